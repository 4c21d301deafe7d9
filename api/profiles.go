package api

import (
	"context"

	"github.com/byline-api/byline/api/batch"
	"github.com/byline-api/byline/api/names"
	"github.com/byline-api/byline/api/optional"
	"github.com/byline-api/byline/api/page"
	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/api/response"
	"github.com/byline-api/byline/api/translate"
	"github.com/byline-api/byline/api/view"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

type profiles struct {
	db      *db.DB
	cursors *page.Codec
}

// profileFound is the response of GetProfileByUsername.
type profileFound struct {
	openapi.GetProfileByUsername200JSONResponse
	response.Facts
}

// GetProfileByUsername returns a profile as the viewer sees it.
func (s profiles) GetProfileByUsername(ctx context.Context, req openapi.GetProfileByUsernameRequestObject) (openapi.GetProfileByUsernameResponseObject, error) {
	p, err := s.get(ctx, req.Username)
	if err != nil {
		return nil, err
	}
	out := openapi.CachedProfileJSONResponse(profileResponse(p))
	return profileFound{openapi.GetProfileByUsername200JSONResponse{CachedProfileJSONResponse: out}, response.DependsOn(changes.Profile(p.ID))}, nil
}

// FollowUserByUsername makes the viewer follow a user.
func (s profiles) FollowUserByUsername(ctx context.Context, req openapi.FollowUserByUsernameRequestObject) (openapi.FollowUserByUsernameResponseObject, error) {
	err := q.FollowCreate(ctx, s.db, query.FollowCreateParams{
		FollowerID: request.Viewer(ctx).ID, Username: req.Username, FoldedUsername: names.Fold(req.Username),
	})
	if err != nil {
		return nil, err
	}
	p, err := s.get(ctx, req.Username)
	if err != nil {
		return nil, err
	}
	return openapi.FollowUserByUsername200JSONResponse{ProfileOKJSONResponse: openapi.ProfileOKJSONResponse(profileResponse(p))}, nil
}

// UnfollowUserByUsername makes the viewer unfollow a user.
func (s profiles) UnfollowUserByUsername(ctx context.Context, req openapi.UnfollowUserByUsernameRequestObject) (openapi.UnfollowUserByUsernameResponseObject, error) {
	err := q.FollowDelete(ctx, s.db, query.FollowDeleteParams{
		FollowerID: request.Viewer(ctx).ID, Username: req.Username, FoldedUsername: names.Fold(req.Username),
	})
	if err != nil {
		return nil, err
	}
	p, err := s.get(ctx, req.Username)
	if err != nil {
		return nil, err
	}
	return openapi.UnfollowUserByUsername200JSONResponse{ProfileOKJSONResponse: openapi.ProfileOKJSONResponse(profileResponse(p))}, nil
}

// BatchGetProfiles returns many profiles with one query. The names of those
// that the response has no room for are in remaining.
func (s profiles) BatchGetProfiles(ctx context.Context, req openapi.BatchGetProfilesRequestObject) (openapi.BatchGetProfilesResponseObject, error) {
	usernames := batch.Unique(req.Body.Usernames)
	folded := make([]string, len(usernames))
	for i, name := range usernames {
		folded[i] = names.Fold(name)
	}
	rows, err := q.ProfileListByUsernames(ctx, s.db, query.ProfileListByUsernamesParams{
		ViewerID: request.Viewer(ctx).ID, Usernames: usernames, FoldedUsernames: folded,
	})
	if err != nil {
		return nil, err
	}
	found := make(map[string]bool, len(rows))
	out := openapi.ProfileBatchJSONResponse{Profiles: make([]openapi.Profile, len(rows))}
	for i, r := range rows {
		found[r.Asked] = true
		out.Profiles[i] = view.Profile(r.Username, r.Bio, r.Image, r.Following)
		out.Profiles[i].Blocked = optional.NonZero(r.Blocked)
	}
	kept, err := view.Fit(ctx, out.Profiles, view.ProfileTexts)
	if err != nil {
		return nil, err
	}
	if kept < len(rows) {
		remaining := make([]string, 0, len(rows)-kept)
		for _, r := range rows[kept:] {
			remaining = append(remaining, r.Asked)
		}
		out.Profiles, out.Remaining = out.Profiles[:kept], &remaining
	}
	out.Missing = batch.Missing(usernames, found)
	return openapi.BatchGetProfiles200JSONResponse{ProfileBatchJSONResponse: out}, nil
}

func (s profiles) get(ctx context.Context, name string) (query.ProfileGetByUsernameRow, error) {
	p, err := q.ProfileGetByUsername(ctx, s.db, query.ProfileGetByUsernameParams{
		ViewerID: request.Viewer(ctx).ID, Username: name, FoldedUsername: names.Fold(name),
	})
	return p, translate.NotFound(err, "profile")
}

func profileResponse(p query.ProfileGetByUsernameRow) openapi.ProfileResponse {
	profile := view.Profile(p.Username, p.Bio, p.Image, p.Following)
	profile.Blocked = optional.NonZero(p.Blocked)
	return openapi.ProfileResponse{Profile: profile}
}

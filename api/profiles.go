package api

import (
	"context"

	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

type profiles struct{ db *db.DB }

// GetProfileByUsername answers a profile as the viewer sees it.
func (s profiles) GetProfileByUsername(ctx context.Context, req openapi.GetProfileByUsernameRequestObject) (openapi.GetProfileByUsernameResponseObject, error) {
	p, err := s.get(ctx, req.Username)
	if err != nil {
		return nil, err
	}
	return openapi.GetProfileByUsername200JSONResponse{CachedProfileJSONResponse: openapi.CachedProfileJSONResponse{Body: p}}, nil
}

// FollowUserByUsername makes the viewer follow a user.
func (s profiles) FollowUserByUsername(ctx context.Context, req openapi.FollowUserByUsernameRequestObject) (openapi.FollowUserByUsernameResponseObject, error) {
	err := q.FollowCreate(ctx, s.db, query.FollowCreateParams{FollowerID: request.Viewer(ctx).ID, Username: req.Username})
	if err != nil {
		return nil, err
	}
	p, err := s.get(ctx, req.Username)
	if err != nil {
		return nil, err
	}
	return openapi.FollowUserByUsername200JSONResponse{ProfileOKJSONResponse: openapi.ProfileOKJSONResponse{Body: p}}, nil
}

// UnfollowUserByUsername makes the viewer no longer follow a user.
func (s profiles) UnfollowUserByUsername(ctx context.Context, req openapi.UnfollowUserByUsernameRequestObject) (openapi.UnfollowUserByUsernameResponseObject, error) {
	err := q.FollowDelete(ctx, s.db, query.FollowDeleteParams{FollowerID: request.Viewer(ctx).ID, Username: req.Username})
	if err != nil {
		return nil, err
	}
	p, err := s.get(ctx, req.Username)
	if err != nil {
		return nil, err
	}
	return openapi.UnfollowUserByUsername200JSONResponse{ProfileOKJSONResponse: openapi.ProfileOKJSONResponse{Body: p}}, nil
}

// BatchGetProfiles answers many profiles with one query.
func (s profiles) BatchGetProfiles(ctx context.Context, req openapi.BatchGetProfilesRequestObject) (openapi.BatchGetProfilesResponseObject, error) {
	asked := unique(req.Body.Usernames)
	rows, err := q.ProfileListByUsernames(ctx, s.db, query.ProfileListByUsernamesParams{
		ViewerID: request.Viewer(ctx).ID, Usernames: asked,
	})
	if err != nil {
		return nil, err
	}
	out := openapi.ProfileBatchResponse{Profiles: make([]openapi.Profile, 0, len(rows))}
	found := make(map[string]bool, len(rows))
	for _, r := range rows {
		found[r.Asked] = true
		out.Profiles = append(out.Profiles, profile(r.Username, r.Bio, r.Image, r.Following))
	}
	out.Missing = missing(asked, found)
	return openapi.BatchGetProfiles200JSONResponse{ProfileBatchJSONResponse: openapi.ProfileBatchJSONResponse{Body: out}}, nil
}

func (s profiles) get(ctx context.Context, username string) (openapi.ProfileResponse, error) {
	p, err := q.ProfileGetByUsername(ctx, s.db, query.ProfileGetByUsernameParams{
		ViewerID: request.Viewer(ctx).ID, Username: username,
	})
	if err != nil {
		return openapi.ProfileResponse{}, orNotFound(err, "profile")
	}
	request.From(ctx).DependsOn(key('u', p.ID))
	return openapi.ProfileResponse{Profile: profile(p.Username, p.Bio, p.Image, p.Following)}, nil
}

func profile(username string, bio, image *string, following bool) openapi.Profile {
	return openapi.Profile{Username: username, Bio: nullText(bio), Image: nullText(image), Following: following}
}

// unique keeps the first of equal texts, in order.
func unique(texts []string) []string {
	seen := make(map[string]bool, len(texts))
	out := make([]string, 0, len(texts))
	for _, t := range texts {
		if !seen[t] {
			seen[t] = true
			out = append(out, t)
		}
	}
	return out
}

// missing returns the texts that were not found, in order.
func missing(asked []string, found map[string]bool) []string {
	out := []string{}
	for _, t := range asked {
		if !found[t] {
			out = append(out, t)
		}
	}
	return out
}

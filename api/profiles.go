package api

import (
	"context"
	"net/http"

	"github.com/byline-api/byline/api/request"
	"github.com/byline-api/byline/db"
	"github.com/byline-api/byline/db/changes"
	"github.com/byline-api/byline/gen/openapi"
	"github.com/byline-api/byline/gen/query"
)

type profiles struct{ db *db.DB }

// GetProfileByUsername answers a profile as the viewer sees it.
func (s profiles) GetProfileByUsername(ctx context.Context, req openapi.GetProfileByUsernameRequestObject) (openapi.GetProfileByUsernameResponseObject, error) {
	return s.get(ctx, req.Username)
}

// FollowUserByUsername makes the viewer follow a user.
func (s profiles) FollowUserByUsername(ctx context.Context, req openapi.FollowUserByUsernameRequestObject) (openapi.FollowUserByUsernameResponseObject, error) {
	err := q.FollowCreate(ctx, s.db, query.FollowCreateParams{FollowerID: request.Viewer(ctx).ID, Username: req.Username})
	if err != nil {
		return nil, err
	}
	return s.get(ctx, req.Username)
}

// UnfollowUserByUsername makes the viewer no longer follow a user.
func (s profiles) UnfollowUserByUsername(ctx context.Context, req openapi.UnfollowUserByUsernameRequestObject) (openapi.UnfollowUserByUsernameResponseObject, error) {
	err := q.FollowDelete(ctx, s.db, query.FollowDeleteParams{FollowerID: request.Viewer(ctx).ID, Username: req.Username})
	if err != nil {
		return nil, err
	}
	return s.get(ctx, req.Username)
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
	found := make(map[string]bool, len(rows))
	b := append(newBody(64+len(rows)*profileSize), `{"profiles":[`...)
	for i, r := range rows {
		found[r.Asked] = true
		b = appendProfile(appendComma(b, i), r.Username, r.Bio, r.Image, r.Following)
	}
	b = appendTexts(append(b, `],"missing":`...), missing(asked, found))
	return ready{status: http.StatusOK, body: append(b, "}\n"...)}, nil
}

func (s profiles) get(ctx context.Context, username string) (ready, error) {
	p, err := q.ProfileGetByUsername(ctx, s.db.Reads(), query.ProfileGetByUsernameParams{
		ViewerID: request.Viewer(ctx).ID, Username: username,
	})
	if err != nil {
		return ready{}, orNotFound(err, "profile")
	}
	request.From(ctx).DependsOn(changes.Profile(p.ID))
	b := append(newBody(profileSize), `{"profile":`...)
	b = appendProfile(b, p.Username, p.Bio, p.Image, p.Following)
	return ready{status: http.StatusOK, body: append(b, "}\n"...)}, nil
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

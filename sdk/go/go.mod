module github.com/byline-api/byline/sdk/go

go 1.24.0

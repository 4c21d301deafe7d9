# Varnish in front of Byline, with purges (docs/caching.md, "At the edge"). It
# needs the Debian packages varnish and varnish-modules. Byline has the settings
#
#   BYLINE_SHARED_MAX_AGE=60s
#   BYLINE_PURGE_URLS=http://VARNISH:6081/purge
#   BYLINE_TRUSTED_PROXIES=VARNISH
vcl 4.1;

import xkey;

backend default {
    .host = "127.0.0.1";
    .port = "8080";
}

# The machines that Byline runs on. If a TLS proxy on one of them passes requests
# of clients to Varnish, it must refuse /purge.
acl purgers {
    "127.0.0.1";
    "::1";
}

sub vcl_recv {
    if (req.url == "/purge") {
        if (client.ip !~ purgers) {
            return (synth(403));
        }
        if (req.method != "POST" || !req.http.Surrogate-Key) {
            return (synth(400));
        }
        set req.http.X-Purged = xkey.purge(req.http.Surrogate-Key);
        return (synth(200));
    }
    # Byline has no cookies. Varnish itself passes on requests with a token.
    unset req.http.Cookie;
    # Byline trusts Varnish, and writes this prefix into links, which others would
    # get. Set it to your own if a proxy serves Byline below a path.
    unset req.http.X-Forwarded-Prefix;
}

sub vcl_backend_response {
    # The age that Byline gives is a limit: nothing is used after it, not even for
    # the moment in which it is fetched again.
    set beresp.grace = 0s;
    set beresp.keep = 0s;
    if (!beresp.http.Surrogate-Key) {
        # Nothing purges it. Varnish need not ask one after the other for it.
        set beresp.ttl = 120s;
        set beresp.uncacheable = true;
        return (deliver);
    }
    set beresp.http.xkey = beresp.http.Surrogate-Key;
    # These belong to the request that has fetched the response.
    unset beresp.http.RateLimit;
    unset beresp.http.RateLimit-Policy;
    unset beresp.http.X-Request-Id;
}

sub vcl_deliver {
    unset resp.http.Surrogate-Key;
    unset resp.http.xkey;
    # Caches between Varnish and the client get no purges, so they have to ask.
    if (resp.http.Cache-Control ~ "s-maxage") {
        set resp.http.Cache-Control = regsub(resp.http.Cache-Control, ", s-maxage=[0-9]+", "");
    }
    set resp.http.X-Cache = "MISS";
    if (obj.hits > 0) {
        set resp.http.X-Cache = "HIT";
    }
}

sub vcl_synth {
    if (req.url == "/purge") {
        set resp.http.X-Purged = req.http.X-Purged;
        set resp.body = "";
        return (deliver);
    }
}

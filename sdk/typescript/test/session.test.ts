import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Byline,
  BylineConnectionError,
  NotBylineError,
  SessionEndedError,
  type SessionStore,
  type StoredSession,
  type Tokens,
} from "../src/index.js";
import { breaks, busy, fails, type Handler, problem, respond } from "./fake.js";

const rejected = 'Token error="invalid_token"';

/**
 * A service with one session, whose tokens are a1 and r1, then a2 and r2, and
 * so on.
 */
class Service {
  current = 0;
  sessions = 0;
  /** The lifetime of access tokens in ms. */
  lifetime = 900_000;
  ended = false;
  /** Takes the place of the response to a renewal. */
  onRefresh: ((renewed: Response) => Response | Promise<Response>) | undefined;
  requests: string[] = [];
  conditions: (string | null)[] = [];
  /** Set by tests to make the service forget the current access token. */
  expired = false;

  tokens(): Tokens {
    return {
      accessToken: `a${this.current}`,
      accessTokenExpiresAt: new Date(Date.now() + this.lifetime + this.current).toISOString(),
      refreshToken: `r${this.current}`,
      refreshTokenExpiresAt: new Date(Date.now() + 1e9).toISOString(),
    };
  }

  fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const request = new Request(url, init);
    const path = new URL(url).pathname.replace("/api", "");
    const token = request.headers.get("Authorization");
    this.requests.push(`${request.method} ${path}${token ? ` ${token.slice(6)}` : ""}`);
    this.conditions.push(request.headers.get("If-None-Match"));
    await new Promise((resume) => setTimeout(resume, 1));
    return this.#respond(request, path, token)(request);
  };

  #respond(request: Request, path: string, token: string | null): Handler {
    const valid = token === `Token a${this.current}` && !this.ended && !this.expired;
    switch (`${request.method} ${path}`) {
      case "POST /sessions":
        this.current++;
        return respond(201, { session: { id: ++this.sessions }, tokens: this.tokens() });
      case "POST /sessions/refresh":
        return async () => {
          const { refreshToken } = (await request.json()) as { refreshToken: string };
          if (refreshToken !== `r${this.current}` || this.ended) {
            return respond(401, problem(401, "token_invalid"))(request);
          }
          this.current++;
          this.expired = false;
          const renewed = await respond(200, { tokens: this.tokens() })(request);
          return this.onRefresh ? this.onRefresh(renewed) : renewed;
        };
      case "GET /tags":
        return respond(200, { tags: [] });
      case "GET /profiles/jake": // a token is optional
        return respond(
          200,
          { profile: { username: "jake", following: valid } },
          { ETag: '"v1"', ...(!valid && token && { "WWW-Authenticate": rejected }) },
        );
      case "DELETE /sessions/current":
        if (valid) this.ended = true;
        return valid ? respond(204, "") : respond(401, problem(401, "token_invalid"));
      default:
        if (!token) return respond(401, problem(401, "token_missing"));
        if (!valid) return respond(401, problem(401, "token_expired"));
        return respond(200, { user: { username: "jake" } });
    }
  }

  client(sessionStore?: SessionStore): Byline {
    return new Byline("http://byline.test", { fetch: this.fetch, retryDelay: 1, sessionStore });
  }
}

/** A store that keeps what it is given as text, as `localStorage` does. */
function memory(tokens?: Tokens) {
  const saved: (StoredSession | null)[] = [];
  let text = JSON.stringify(tokens ? { id: 1, tokens } : null);
  const store: SessionStore = {
    load: () => JSON.parse(text) as StoredSession | null,
    save: async (session) => {
      text = JSON.stringify(session);
      saved.push(session);
    },
  };
  return { store, saved, refreshTokens: () => saved.map((one) => one?.tokens.refreshToken) };
}

test("signIn returns a client with a session", async () => {
  const service = new Service();
  const anonymous = service.client();
  const jake = await anonymous.signIn("jake@example.com", "correct horse");
  assert.equal((await jake.account.get()).username, "jake");
  await assert.rejects(anonymous.account.get(), fails(401, { code: "token_missing" }));
});

test("a session is renewed", async (t) => {
  await t.test("once for many calls, before its token expires", async () => {
    const service = new Service();
    service.current = 1;
    service.lifetime = 10_000;
    const jake = service.client(memory(service.tokens()).store);
    service.lifetime = 900_000;
    const derived = jake.withOptions({ retries: 1 });
    await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? jake : derived).account.get()));
    const got = Array<string>(20).fill("GET /user a2");
    assert.deepEqual(service.requests, ["POST /sessions/refresh", ...got]);
  });
  await t.test("once for many calls, after its token was rejected", async () => {
    const service = new Service();
    const jake = await service.client().signIn("jake@example.com", "correct horse");
    service.expired = true;
    service.requests.length = 0;
    await Promise.all([jake.account.get(), jake.account.update({ bio: "b" })]);
    assert.deepEqual(service.requests.sort(), [
      ...["GET /user a1", "GET /user a2", "POST /sessions/refresh"],
      ...["PUT /user a1", "PUT /user a2"],
    ]);
  });
  await t.test("when a token is optional and was ignored", async () => {
    const service = new Service();
    const jake = await service.client().signIn("jake@example.com", "correct horse");
    service.expired = true;
    assert.equal((await jake.profiles.get("jake")).following, true);
  });
  await t.test("and keeps what it has cached", async () => {
    const service = new Service();
    const jake = await service.client().signIn("jake@example.com", "correct horse");
    await jake.profiles.get("jake");
    service.expired = true;
    await jake.account.get();
    await jake.profiles.get("jake");
    const anna = await service.client().signIn("anna@example.com", "correct horse");
    await anna.profiles.get("jake");
    const seen = service.requests.map((request, i) => [request, service.conditions[i]]);
    assert.deepEqual(
      seen.filter(([request]) => request?.includes("profiles")),
      [
        ["GET /profiles/jake a1", null],
        ["GET /profiles/jake a2", '"v1"'],
        ["GET /profiles/jake a3", null],
      ],
    );
  });
  await t.test("not by each call if the clocks differ", async () => {
    const service = new Service();
    service.lifetime = -3_600_000;
    const jake = await service.client().signIn("jake@example.com", "correct horse");
    service.requests.length = 0;
    for (let i = 0; i < 3; i++) await jake.account.get();
    assert.deepEqual(service.requests, Array(3).fill("GET /user a1"));
  });
  await t.test("not for a call with a token of its own", async () => {
    const service = new Service();
    const jake = await service.client().signIn("jake@example.com", "correct horse");
    await assert.rejects(jake.account.get({ token: "other" }), fails(401));
    assert.ok(!service.requests.includes("POST /sessions/refresh"));
    await assert.rejects(jake.withToken("other").account.get(), fails(401));
    assert.ok(!service.requests.includes("POST /sessions/refresh"));
  });
});

test("a renewal that fails", async (t) => {
  await t.test("temporarily is repeated", async () => {
    const service = new Service();
    const jake = await service.client().signIn("jake@example.com", "correct horse");
    service.expired = true;
    let n = 0;
    service.onRefresh = (renewed) => {
      if (++n > 1) return renewed;
      service.current--; // within ten seconds, its second use is a retry
      return breaks(new Request("http://byline.test")) as Response;
    };
    assert.equal((await jake.account.get()).username, "jake");
    assert.equal(n, 2);
  });
  await t.test("for longer ends the call but not the session", async () => {
    const service = new Service();
    const jake = await service.client().signIn("jake@example.com", "correct horse");
    service.expired = true;
    service.onRefresh = () => {
      service.current--;
      service.expired = true;
      return respond(503, busy, { "Retry-After": "60" })(new Request("http://a")) as Response;
    };
    await assert.rejects(jake.account.get(), fails(503, { operation: "sessions.refresh" }));
    service.onRefresh = undefined;
    assert.equal((await jake.account.get()).username, "jake");
  });
  await t.test("early leaves the call its token, and is not tried by each call", async () => {
    const service = new Service();
    service.current = 1;
    service.lifetime = 10_000;
    const jake = service.client(memory(service.tokens()).store);
    service.onRefresh = () => {
      service.current--;
      return respond(500, problem(500, "internal"))(new Request("http://a")) as Response;
    };
    await jake.account.get();
    await jake.account.get();
    assert.deepEqual(service.requests, [
      ...["POST /sessions/refresh", "GET /user a1", "GET /user a1"],
    ]);
  });
  await t.test("because the tokens cannot be saved does so once", async () => {
    const service = new Service();
    const { store, refreshTokens } = memory();
    let full = false;
    const save: SessionStore["save"] = (session) => {
      if (full) throw new Error("disk full");
      return store.save(session);
    };
    const jake = await service.client({ ...store, save }).signIn("jake@example.com", "password");
    service.expired = full = true;
    await assert.rejects(jake.account.get(), /disk full/);
    assert.equal((await jake.account.get()).username, "jake");
    full = false;
    service.expired = true;
    assert.equal((await jake.account.get()).username, "jake"); // r1 of the store is older
    assert.deepEqual(refreshTokens(), ["r1", "r3"]);
  });
  await t.test("because something else has answered does not end the session", async () => {
    const service = new Service();
    const { store, saved } = memory();
    const jake = await service.client(store).signIn("jake@example.com", "correct horse");
    service.expired = true;
    service.onRefresh = () => {
      service.current--;
      service.expired = true;
      return respond(403, "<h1>Sign in to this Wi-Fi</h1>")(new Request("http://a")) as Response;
    };
    await assert.rejects(jake.account.get(), NotBylineError);
    assert.equal(saved.length, 1);
    service.onRefresh = undefined;
    assert.equal((await jake.account.get()).username, "jake");
  });
  await t.test("because the session has ended does not loop", async () => {
    const service = new Service();
    const { store, saved } = memory();
    const jake = await service.client(store).signIn("jake@example.com", "correct horse");
    service.ended = true;
    service.requests.length = 0;
    const refused = fails(401, { operation: "sessions.refresh", code: "token_invalid" });
    await assert.rejects(jake.account.get(), refused);
    assert.deepEqual(service.requests, ["GET /user a1", "POST /sessions/refresh"]);
    assert.equal(saved.at(-1), null);
    await assert.rejects(jake.account.get(), (error) => {
      assert.ok(error instanceof SessionEndedError);
      assert.equal(error.message, "account.get: 401: The session has ended. Sign in again.");
      return true;
    });
    assert.equal(service.requests.length, 2);
  });
});

test("a session store", async (t) => {
  await t.test("keeps the session for another client", async () => {
    const service = new Service();
    const { store, saved } = memory();
    const byline = service.client(store);
    await assert.rejects(byline.account.get(), fails(401, { code: "token_missing" }));
    await byline.signIn("jake@example.com", "correct horse");
    assert.equal((await byline.account.get()).username, "jake"); // the client of the store
    assert.equal(saved.length, 1);
    const later = service.client(store);
    assert.equal((await later.account.get()).username, "jake");
    service.expired = true;
    assert.equal((await later.account.get()).username, "jake");
    assert.equal(saved.at(-1)!.tokens.refreshToken, "r2");
  });
  await t.test("tells what another process has renewed", async () => {
    const service = new Service();
    const { store } = memory();
    const one = await service.client(store).signIn("jake@example.com", "correct horse");
    const two = service.client(store);
    await two.account.get();
    service.expired = true;
    await one.account.get();
    service.requests.length = 0;
    await two.account.get();
    assert.deepEqual(service.requests, ["GET /user a1", "GET /user a2"]);
  });
  await t.test("is loaded again if the service refuses a renewal", async () => {
    const service = new Service();
    const { store, refreshTokens } = memory();
    const jake = await service.client(store).signIn("jake@example.com", "correct horse");
    const other = service.client(store);
    await other.account.get();
    service.expired = true;
    service.onRefresh = async () => {
      service.onRefresh = undefined;
      service.current--; // another process is faster
      service.expired = true;
      await other.account.get();
      return respond(401, problem(401, "token_invalid"))(new Request("http://a"));
    };
    assert.equal((await jake.account.get()).username, "jake");
    assert.deepEqual(refreshTokens(), ["r1", "r2"]);
  });
  await t.test("with the session of somebody else is left alone", async () => {
    const service = new Service();
    const { store, saved } = memory();
    const jake = await service.client(store).signIn("jake@example.com", "correct horse");
    const other = { id: 7, tokens: { ...service.tokens(), refreshToken: "r7" } };
    await store.save(other); // another process has signed in
    service.expired = true;
    service.requests.length = 0;
    assert.equal((await jake.account.get()).username, "jake");
    assert.deepEqual(service.requests, ["GET /user a1", "POST /sessions/refresh", "GET /user a2"]);
    await jake.signOut();
    assert.deepEqual(saved.at(-1), other);
  });
  await t.test("has the user who has signed in last", async () => {
    const service = new Service();
    const { store, saved } = memory();
    const byline = service.client(store);
    const jake = await byline.signIn("jake@example.com", "correct horse");
    const anna = await byline.signIn("anna@example.com", "correct horse");
    assert.equal(saved.at(-1)!.id, 2);
    service.requests.length = 0;
    for (const client of [anna, byline]) await client.account.get();
    await assert.rejects(jake.account.get(), SessionEndedError); // the fake has one session
    assert.deepEqual(service.requests, [
      ...["GET /user a2", "GET /user a2", "GET /user a1", "POST /sessions/refresh"],
    ]);
    assert.equal(saved.length, 2);
  });
  await t.test("that fails to save does not sign its client in", async () => {
    const service = new Service();
    const save = () => Promise.reject(new Error("disk full"));
    const byline = service.client({ load: () => null, save });
    await assert.rejects(byline.signIn("jake@example.com", "correct horse"), /disk full/);
    await assert.rejects(byline.account.get(), fails(401, { code: "token_missing" }));
  });
  await t.test("that fails to load is asked again", async () => {
    const service = new Service();
    let fail = true;
    const byline = service.client({
      load: () => {
        if (fail) throw new Error("locked");
        return null;
      },
      save: () => {},
    });
    await assert.rejects(byline.account.get(), /locked/);
    fail = false;
    await assert.rejects(byline.account.get(), fails(401));
  });
  await t.test("excludes a token", () => {
    const { store: sessionStore } = memory();
    const options = { sessionStore, token: "a" };
    assert.throws(() => new Byline("http://byline.test", options), TypeError);
  });
});

test("signOut ends the session", async (t) => {
  await t.test("of all clients that share it", async () => {
    const service = new Service();
    const { store, saved } = memory();
    const byline = service.client(store);
    const jake = await byline.signIn("jake@example.com", "correct horse");
    await jake.signOut();
    assert.ok(service.ended);
    assert.equal(saved.at(-1), null);
    await assert.rejects(byline.account.get(), fails(401, { code: "token_missing" }));
    await assert.rejects(jake.profiles.get("jake"), SessionEndedError);
    assert.deepEqual(await byline.profiles.get("jake"), { username: "jake", following: false });
  });
  await t.test("also if it has ended already", async () => {
    const service = new Service();
    const { store, saved } = memory();
    const jake = await service.client(store).signIn("jake@example.com", "correct horse");
    service.ended = true;
    await jake.signOut();
    assert.equal(saved.at(-1), null);
  });
  await t.test("not if there is no response", async () => {
    const service = new Service();
    const { store, saved } = memory();
    const jake = await service.client(store).signIn("jake@example.com", "correct horse");
    service.fetch = () => Promise.reject(new TypeError("fetch failed"));
    const offline = new Byline("http://byline.test", { sessionStore: store, fetch: service.fetch });
    await assert.rejects(offline.signOut(), BylineConnectionError);
    assert.notEqual(saved.at(-1), null);
    assert.equal((await jake.account.get()).username, "jake");
  });
});

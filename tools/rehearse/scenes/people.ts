/** Who may see what: tokens that are none, roles that do not suffice, devices that are somebody else's. */
import type { Stage } from "../stage.ts";

export async function people(stage: Stage): Promise<void> {
	const { world, transcript } = stage;
	const clientId = stage.clientOf("page");
	const someone = { subject: "vera", groups: ["viewer"] };
	const wrong: Readonly<Record<string, string | null>> = {
		"no token": null,
		"a text that is no token": "nonsense",
		"a token that has expired": await stage.token({
			...someone,
			lifetimeS: -60,
		}),
		"a token of another user pool": await world.foreignPool.token({
			...someone,
			clientId,
		}),
		"a token for another client": await world.pool.token({
			...someone,
			clientId: "another",
		}),
		"an ID token": await world.pool.token({ ...someone, clientId, use: "id" }),
	};
	for (const [what, token] of Object.entries(wrong)) {
		const { status } = await stage.get("/v1/devices/porch", token);
		transcript.equal(status, 401, `${what}: 401`);
	}
	// The app judges tokens itself, too: what an authorizer that was switched off would let through.
	const api = world.function("api");
	for (const [what, token] of Object.entries(wrong)) {
		const invocation = await api.invoke(unguarded("/v1/devices/porch", token));
		transcript.equal(
			invocation.ok &&
				(invocation.result as { statusCode?: number }).statusCode,
			401,
			`${what}, straight to the function: 401`,
		);
	}

	const viewer = await stage.token(someone);
	const mine = await stage.get("/v1/devices/porch", viewer);
	transcript.equal(mine.status, 404, "a device that is not yours: 404");
	const none = await stage.get("/v1/devices/nowhere", viewer);
	transcript.equal(
		(mine.json as { detail?: string }).detail?.replace("porch", "nowhere"),
		(none.json as { detail?: string }).detail,
		"in the words for a device that does not exist",
	);
	const list = await stage.get("/v1/devices", viewer);
	transcript.equal(list.status, 200, "a viewer may list devices");
	transcript.check(
		!list.body.toString().includes("porch"),
		"and finds only those that are theirs: none",
	);
	const letters = await stage.get("/v1/deadletters", viewer);
	transcript.equal(letters.status, 403, "dead letters, as a viewer: 403");
	const nobody = await stage.token({ subject: "nemo", groups: [] });
	const { status } = await stage.get("/v1/devices/porch", nobody);
	transcript.check(
		status === 403 || status === 404,
		"somebody in none of the groups sees no device",
		status,
	);

	const cli = await world.pool.token({
		subject: "olga",
		groups: ["operator"],
		clientId: stage.clientOf("cli"),
	});
	const asked = await stage.get("/v1/devices/porch", cli);
	transcript.equal(asked.status, 200, "the command's token is as good");

	const operator = await stage.token({ subject: "olga", groups: ["operator"] });
	const page = await world.browse({
		method: "GET",
		uri: "/v1/devices/porch",
		query: {},
		headers: {},
		cookies: { thinghz_session: operator },
	});
	transcript.equal(
		page?.status,
		200,
		"the page's cookie gets through CloudFront as a token",
	);
	const stranger = await world.browse({
		method: "GET",
		uri: "/v1/devices/porch",
		query: {},
		headers: {},
		cookies: {},
	});
	transcript.equal(stranger?.status, 401, "without the cookie: 401");
	const file = await world.browse({
		method: "GET",
		uri: "/index.html",
		query: {},
		headers: {},
		cookies: {},
	});
	transcript.equal(file, null, "the page's files come from their bucket");
}

/** A request's event as if no authorizer had looked at it. */
function unguarded(path: string, token: string | null): unknown {
	return {
		version: "2.0",
		routeKey: "ANY /v1/{path+}",
		rawPath: path,
		rawQueryString: "",
		headers: {
			host: "api.example",
			...(token === null ? {} : { authorization: `Bearer ${token}` }),
		},
		requestContext: {
			accountId: "123456789012",
			apiId: "api",
			domainName: "api.example",
			domainPrefix: "api",
			http: {
				method: "GET",
				path,
				protocol: "HTTP/1.1",
				sourceIp: "192.0.2.9",
				userAgent: "rehearsal",
			},
			requestId: "unguarded",
			routeKey: "ANY /v1/{path+}",
			stage: "$default",
			time: "25/Nov/2026:00:00:00 +0000",
			timeEpoch: Date.now(),
		},
		isBase64Encoded: false,
	};
}

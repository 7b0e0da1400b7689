import assert from "node:assert/strict";
import { HttpApi } from "./http-api.ts";
import { Template } from "./template.ts";
import { UserPool } from "./user-pool.ts";

const ISSUER =
	"https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Pool";

function template(changes: Record<string, object> = {}): Template {
	const route = (RouteKey: string, guarded: boolean) => ({
		Type: "AWS::ApiGatewayV2::Route",
		Properties: {
			RouteKey,
			Target: { "Fn::Join": ["/", ["integrations", { Ref: "Code" }]] },
			...(guarded
				? { AuthorizationType: "JWT", AuthorizerId: { Ref: "Judge" } }
				: {}),
		},
	});
	return new Template({
		Resources: {
			Pool: { Type: "AWS::Cognito::UserPool" },
			page: {
				Type: "AWS::Cognito::UserPoolClient",
				Properties: {
					AllowedOAuthFlows: ["code"],
					AllowedOAuthFlowsUserPoolClient: true,
					CallbackURLs: ["https://page.example/"],
				},
			},
			Api: { Type: "AWS::ApiGatewayV2::Api" },
			Stage: {
				Type: "AWS::ApiGatewayV2::Stage",
				Properties: { StageName: "$default" },
			},
			Judge: {
				Type: "AWS::ApiGatewayV2::Authorizer",
				Properties: {
					IdentitySource: ["$request.header.Authorization"],
					JwtConfiguration: {
						Issuer: { "Fn::GetAtt": ["Pool", "ProviderURL"] },
						Audience: ["page"],
					},
				},
			},
			Function: {
				Type: "AWS::Lambda::Function",
				Properties: { FunctionName: "thinghz-api" },
			},
			Code: {
				Type: "AWS::ApiGatewayV2::Integration",
				Properties: {
					PayloadFormatVersion: "2.0",
					IntegrationUri: { "Fn::GetAtt": ["Function", "Arn"] },
				},
			},
			Any: route("ANY /v1/{proxy+}", true),
			One: route("GET /v1/devices/{name}", true),
			Open: route("GET /v1/openapi.json", false),
			...changes,
		},
		Outputs: { SignInUrl: { Value: "https://thinghz.auth.example" } },
	});
}

describe("The HTTP API in a rehearsal", () => {
	let pool: UserPool;
	let other: UserPool;
	let events: Record<string, unknown>[] = [];
	let result: unknown = { statusCode: 204 };
	let api: HttpApi;

	before(async () => {
		pool = await UserPool.start(template());
		other = await UserPool.startForeign(pool);
		api = new HttpApi(template(), {
			keys: (issuer) => (issuer === ISSUER ? pool.keys : null),
			invoke: async (_arn, _source, event) => {
				events.push(event as Record<string, unknown>);
				if (result instanceof Error) throw result;
				return result;
			},
		});
	});

	after(() => Promise.all([pool.close(), other.close()]));

	beforeEach(() => {
		events = [];
		result = { statusCode: 204 };
	});

	async function get(path: string, token?: string) {
		const headers =
			token === undefined ? {} : { authorization: `Bearer ${token}` };
		return api.handle({ method: "GET", path, headers });
	}

	const someone = { subject: "u", groups: ["viewer"], clientId: "page" };

	it("hands a function what the documented event has", async () => {
		const token = await pool.token({ ...someone, groups: ["admin", "viewer"] });
		await api.handle({
			method: "GET",
			path: "/v1/devices/porch",
			query: { a: "1 2" },
			headers: { authorization: token, cookie: "x=1; y=2" },
		});
		const [event] = events;
		const context = event?.requestContext as {
			authorizer: { jwt: { claims: Record<string, string> } };
			http: object;
		};
		assert.equal(event?.version, "2.0");
		assert.equal(event?.routeKey, "GET /v1/devices/{name}");
		assert.equal(event?.rawPath, "/v1/devices/porch");
		assert.equal(event?.rawQueryString, "a=1+2");
		assert.deepEqual(event?.cookies, ["x=1", "y=2"]);
		assert.deepEqual(event?.pathParameters, { name: "porch" });
		assert.equal(
			context.authorizer.jwt.claims["cognito:groups"],
			"[admin viewer]",
		);
		assert.deepEqual(Object.keys(event?.headers ?? {}).sort(), [
			"authorization",
			"host",
		]);
	});

	it("takes the route that fits best", async () => {
		const token = await pool.token(someone);
		for (const [path, key] of [
			["/v1/devices/porch", "GET /v1/devices/{name}"],
			["/v1/devices/porch/readings", "ANY /v1/{proxy+}"],
			["/v1/openapi.json", "GET /v1/openapi.json"],
		] as const) {
			await get(path, token);
			assert.equal(events.pop()?.routeKey, key);
		}
		assert.equal((await get("/v2", token)).status, 404);
		assert.deepEqual(events, []);
	});

	it("lets nobody in without a good token, and asks no function", async () => {
		const expired = await pool.token({ ...someone, lifetimeS: -60 });
		const foreign = await other.token(someone);
		const elsewhere = await pool.token({ ...someone, clientId: "another" });
		const good = await pool.token(someone);
		const forged = `${good.slice(0, -8)}AAAAAAAA`;
		for (const token of [undefined, "x", expired, foreign, elsewhere, forged]) {
			const { status, from } = await get("/v1/devices", token);
			assert.deepEqual({ status, from }, { status: 401, from: "gateway" });
		}
		assert.deepEqual(events, []);
		assert.equal((await get("/v1/devices", good)).status, 204);
		const id = await pool.token({ ...someone, use: "id" });
		assert.equal((await get("/v1/devices", id)).status, 204);
	});

	it("lets everybody in where nothing guards", async () => {
		assert.equal((await get("/v1/openapi.json")).status, 204);
	});

	it("makes a response of what the function returns", async () => {
		result = {
			statusCode: 201,
			headers: { "Content-Type": "x/y" },
			body: Buffer.from([0xff]).toString("base64"),
			isBase64Encoded: true,
		};
		const response = await get("/v1/openapi.json");
		assert.equal(response.status, 201);
		assert.equal(response.headers["content-type"], "x/y");
		assert.deepEqual([...response.body], [0xff]);
		result = { a: 1 };
		assert.equal((await get("/v1/openapi.json")).body.toString(), '{"a":1}');
		result = new Error("it failed");
		const failed = await get("/v1/openapi.json");
		assert.deepEqual([failed.status, failed.from], [500, "gateway"]);
	});

	it("is not wired to what is not there, nor to what the function does not expect", () => {
		const wire = (changes: Record<string, object>) => () =>
			new HttpApi(template(changes), {
				keys: () => null,
				invoke: async () => null,
			});
		const Type = "AWS::ApiGatewayV2::Route";
		assert.throws(
			wire({
				Bad: {
					Type,
					Properties: { RouteKey: "GET /x", Target: "integrations/y" },
				},
			}),
			/GET \/x leads to no integration/,
		);
		assert.throws(
			wire({
				Code: {
					Type: "AWS::ApiGatewayV2::Integration",
					Properties: { PayloadFormatVersion: "1.0", IntegrationUri: "x" },
				},
			}),
			/payload format 1\.0/,
		);
		assert.throws(
			wire({
				Stage: {
					Type: "AWS::ApiGatewayV2::Stage",
					Properties: { StageName: "prod" },
				},
			}),
			/stage is prod/,
		);
	});
});

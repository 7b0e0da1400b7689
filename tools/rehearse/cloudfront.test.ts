import assert from "node:assert/strict";
import { CloudFront, type PageRequest } from "./cloudfront.ts";
import { Template } from "./template.ts";

function make(code: string | null, behaviours: object[] = []): CloudFront {
	return new CloudFront(
		new Template({
			Resources: {
				Code: {
					Type: "AWS::CloudFront::Function",
					Properties: { Name: "f", FunctionCode: code ?? "" },
				},
				Page: {
					Type: "AWS::CloudFront::Distribution",
					Properties: {
						DistributionConfig: {
							Origins: [
								{ Id: "page", DomainName: "page.s3" },
								{ Id: "api", DomainName: "api.aws" },
							],
							DefaultCacheBehavior: { TargetOriginId: "page" },
							CacheBehaviors: [
								{
									PathPattern: "/v1/*",
									TargetOriginId: "api",
									...(code === null
										? {}
										: {
												FunctionAssociations: [
													{
														EventType: "viewer-request",
														FunctionARN: {
															"Fn::GetAtt": ["Code", "FunctionARN"],
														},
													},
												],
											}),
								},
								...behaviours,
							],
						},
					},
				},
			},
		}),
	);
}

const REQUEST: PageRequest = {
	method: "GET",
	uri: "/v1/devices",
	query: { a: "b" },
	headers: { accept: "*/*" },
	cookies: { session: "token" },
};

describe("CloudFront", () => {
	it("leads a path to the origin of its behaviour", () => {
		const front = make(null);
		const origin = (uri: string) => {
			const outcome = front.handle({ ...REQUEST, uri });
			return outcome.kind === "origin" ? outcome.originDomain : null;
		};
		assert.equal(origin("/v1/devices"), "api.aws");
		assert.equal(origin("/"), "page.s3");
		assert.equal(origin("/v1"), "page.s3");
		assert.equal(origin("/x/v1/devices"), "page.s3");
	});

	it("runs the behaviour's function on the documented event", () => {
		const front = make(
			`function handler(event) {
				var request = event.request;
				request.headers.authorization = { value: "Bearer " + request.cookies.session.value };
				delete request.cookies.session;
				return request;
			}`,
		);
		const outcome = front.handle(REQUEST);
		assert.deepEqual(outcome, {
			kind: "origin",
			originDomain: "api.aws",
			request: {
				...REQUEST,
				headers: { accept: "*/*", authorization: "Bearer token" },
				cookies: {},
			},
		});
	});

	it("takes an answer from the function", () => {
		const front = make(
			`const handler = () => ({ statusCode: 302, headers: { location: { value: "/" } } });`,
		);
		assert.deepEqual(front.handle(REQUEST), {
			kind: "response",
			status: 302,
			headers: { location: "/" },
		});
	});

	it("gives the function nothing of Node, and not for ever", () => {
		assert.throws(
			() =>
				make("function handler() { return require('fs'); }").handle(REQUEST),
			/require is not defined/,
		);
		assert.throws(
			() => make("function handler() { for (;;); }").handle(REQUEST),
			/timed out/,
		);
	});

	it("is not wired to an origin that is none, nor with more code than it takes", () => {
		assert.throws(
			() => make(null, [{ PathPattern: "/x", TargetOriginId: "none" }]),
			/the origin none/,
		);
		assert.throws(() => make("x".repeat(10_241)), /longer than/);
	});
});

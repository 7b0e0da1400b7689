/** /v1/firmware: what can be installed, and how it comes here. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import type { ReleaseError } from "../core/releases/errors.ts";
import { UploadError } from "../core/releases/ports.ts";
import {
	MAX_IMAGE_BYTES,
	type Release,
	updateJobOf,
} from "../core/releases/releases.ts";
import type { AuthEnv } from "./auth.ts";
import { JSON_BODY_PROBLEMS, jsonBody } from "./json-body.ts";
import type { ApiDeps } from "./ports.ts";
import { Problem, type ProblemCode, problemResponses } from "./problem.ts";
import { SECURITY, TimeSchema } from "./schemas.ts";
import { isoTime } from "./time.ts";

const COMMON = { tags: ["firmware"], security: SECURITY };
const REFUSALS = ["not_signed_in", "forbidden"] as const;
const noQuery = z.strictObject({});

const UpdateSchema = z
	.strictObject({
		manifest: z.base64().min(4).max(2048).openapi({
			description: "The manifest's exact bytes, base64.",
		}),
		signature: z.base64().min(4).max(128).openapi({
			description: "ECDSA P-256 over them: r and s, 64 bytes, base64.",
		}),
	})
	.openapi("SignedUpdate");

const Part = z
	.string()
	.regex(
		/^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/,
		"1 to 64 letters, digits and . _ + -, beginning with a letter or digit",
	);

const ReleaseParams = z.object({
	version: Part.openapi({
		param: { name: "version", in: "path" },
		description: "Three numbers.",
		example: "1.2.0",
	}),
	board: Part.openapi({
		param: { name: "board", in: "path" },
		description: "As its nodes report it.",
		example: "esp32c3",
	}),
});

const FileParams = ReleaseParams.extend({
	sha256: z
		.string()
		.regex(/^[0-9a-f]{64}$/, "a SHA-256: 64 lower-case hex digits")
		.openapi({
			param: { name: "sha256", in: "path" },
			description: "Of the bytes that are sent.",
		}),
});

const ReleaseSchema = z
	.object({
		version: z.string(),
		board: z.string(),
		project: z.string(),
		securityVersion: z.int(),
		sizeBytes: z.int(),
		sha256: z.string(),
		delta: z
			.object({ fromSha256: z.string(), sizeBytes: z.int() })
			.nullable()
			.openapi({ description: "The difference to another image." }),
		nextKey: z.string().nullable().openapi({
			description: "The key that signs what comes after it.",
		}),
		key: z.string().openapi({ description: "The key that signed it." }),
		published: TimeSchema,
		document: z.looseObject({}).openapi({
			description: "Of a job that installs it: `POST /v1/jobs` takes it.",
		}),
	})
	.openapi("Release");

async function releaseDocument(
	release: Release,
): Promise<z.infer<typeof ReleaseSchema>> {
	const { content, key, publishedMs } = release;
	const { delta, nextKey = null } = content;
	return {
		version: content.version,
		board: content.board,
		project: content.project,
		securityVersion: content.securityVersion,
		sizeBytes: content.sizeBytes,
		sha256: content.sha256,
		delta:
			delta === undefined
				? null
				: { fromSha256: delta.fromSha256, sizeBytes: delta.sizeBytes },
		nextKey,
		key,
		published: isoTime(publishedMs),
		document: { ...(await updateJobOf(release)) },
	};
}

const PROBLEM_OF: Readonly<Record<ReleaseError["code"], ProblemCode>> = {
	bad_update: "invalid_request",
	no_update_key: "no_update_key",
	other_update_key: "other_update_key",
	signature_wrong: "signature_wrong",
	key_handed_over: "key_handed_over",
	not_uploaded: "not_uploaded",
	wrong_image: "wrong_image",
	release_exists: "release_exists",
	unknown_release: "unknown_release",
};

export function releaseProblem(error: ReleaseError): Problem {
	return new Problem(PROBLEM_OF[error.code], error.message, { cause: error });
}

function jsonIn<Schema extends z.ZodType>(description: string, schema: Schema) {
	return { description, content: { "application/json": { schema } } };
}

const requireBytes: MiddlewareHandler = async function requireBytes(c, next) {
	const type = c.req.header("Content-Type") ?? "";
	if (!/^application\/octet-stream\s*(;|$)/i.test(type)) {
		throw new Problem(
			"unsupported_media_type",
			"Send the bytes as application/octet-stream.",
		);
	}
	await next();
};

export function addReleases(app: OpenAPIHono<AuthEnv>, deps: ApiDeps): void {
	const { releases, uploads } = deps;
	const update = {
		required: true,
		content: { "application/json": { schema: UpdateSchema } },
	};

	app.openapi(
		createRoute({
			...COMMON,
			method: "get",
			path: "/v1/firmware",
			operationId: "listFirmware",
			summary: "What is published, by board, newest first",
			request: { query: noQuery },
			responses: {
				200: jsonIn(
					"The releases, and the key that the next are signed with.",
					z.object({
						key: z.string().nullable().openapi({
							description: "130 hex digits; null while there is none.",
						}),
						releases: z.array(ReleaseSchema),
					}),
				),
				...problemResponses("invalid_request", ...REFUSALS),
			},
		}),
		async function listFirmware(c) {
			const all = await releases.list();
			return c.json(
				{
					key: await releases.key(),
					releases: await Promise.all(all.map(releaseDocument)),
				},
				200,
			);
		},
	);

	app.openapi(
		createRoute({
			...COMMON,
			method: "put",
			path: "/v1/firmware/key",
			operationId: "setUpdateKey",
			summary: "Say by whose key updates are signed, once",
			middleware: jsonBody,
			request: {
				query: noQuery,
				body: {
					required: true,
					content: {
						"application/json": {
							schema: z.strictObject({ key: z.string().max(200) }),
						},
					},
				},
			},
			responses: {
				200: jsonIn("The key.", z.object({ key: z.string() })),
				...problemResponses(
					...JSON_BODY_PROBLEMS,
					...REFUSALS,
					"other_update_key",
				),
			},
		}),
		async function setUpdateKey(c) {
			const { key } = c.req.valid("json");
			await releases.setKey(key);
			return c.json({ key }, 200);
		},
	);

	app.openapi(
		createRoute({
			...COMMON,
			method: "post",
			path: "/v1/firmware/uploads",
			operationId: "prepareFirmware",
			summary: "Where the parts of an update are to be uploaded",
			description:
				"Those that are not there yet. The signature is looked at first.",
			middleware: jsonBody,
			request: { query: noQuery, body: update },
			responses: {
				200: jsonIn(
					"The uploads.",
					z.object({
						uploads: z.array(
							z.object({
								file: z.enum(["image", "delta"]),
								sizeBytes: z.int(),
								sha256: z.string(),
								url: z.string().openapi({
									description:
										"By PUT: an address that holds for 15 minutes, or a path of this API.",
								}),
								headers: z.record(z.string(), z.string()).openapi({
									description: "To be sent along as they are.",
								}),
							}),
						),
					}),
				),
				...problemResponses(
					...JSON_BODY_PROBLEMS,
					...REFUSALS,
					"no_update_key",
					"signature_wrong",
					"key_handed_over",
					"release_exists",
				),
			},
		}),
		async function prepareFirmware(c) {
			const prepared = await releases.uploadsFor(c.req.valid("json"));
			return c.json(
				{
					uploads: prepared.map((upload) => ({
						...upload,
						headers: { ...upload.headers },
					})),
				},
				200,
			);
		},
	);

	app.openapi(
		createRoute({
			...COMMON,
			method: "put",
			path: "/v1/firmware/{version}/{board}/{sha256}",
			operationId: "uploadFirmware",
			summary: "Upload an image, or a difference, by its hash",
			description: "On AWS uploads go to another address: ask for it.",
			middleware: [requireBytes],
			request: { params: FileParams, query: noQuery },
			responses: {
				204: { description: "It is kept." },
				...problemResponses(
					...JSON_BODY_PROBLEMS,
					...REFUSALS,
					"wrong_image",
					"not_possible",
				),
			},
		}),
		async function uploadFirmware(c) {
			const { version, board, sha256 } = c.req.valid("param");
			if (uploads.receive === null) {
				throw new Problem(
					"not_possible",
					"Uploads go to another address here, which POST /v1/firmware/uploads tells.",
				);
			}
			const body = c.req.raw.body ?? new Blob([]).stream();
			try {
				await uploads.receive(
					{ version, board, file: sha256 },
					body,
					MAX_IMAGE_BYTES,
				);
			} catch (error) {
				if (!(error instanceof UploadError)) throw error;
				const isLarge = error.code === "too_large";
				throw new Problem(
					isLarge ? "body_too_large" : "wrong_image",
					error.message,
					{ cause: error },
				);
			}
			return c.body(null, 204);
		},
	);

	app.openapi(
		createRoute({
			...COMMON,
			method: "post",
			path: "/v1/firmware",
			operationId: "publishFirmware",
			summary: "Publish what has been uploaded",
			middleware: jsonBody,
			request: { query: noQuery, body: update },
			responses: {
				200: jsonIn("It had been published before.", ReleaseSchema),
				201: jsonIn("It is published.", ReleaseSchema),
				...problemResponses(
					...JSON_BODY_PROBLEMS,
					...REFUSALS,
					"no_update_key",
					"signature_wrong",
					"key_handed_over",
					"not_uploaded",
					"wrong_image",
					"release_exists",
				),
			},
		}),
		async function publishFirmware(c) {
			const { release, isNew } = await releases.publish(c.req.valid("json"));
			return c.json(await releaseDocument(release), isNew ? 201 : 200);
		},
	);

	app.openapi(
		createRoute({
			...COMMON,
			method: "get",
			path: "/v1/firmware/{version}/{board}",
			operationId: "getFirmware",
			summary: "A release",
			request: { params: ReleaseParams, query: noQuery },
			responses: {
				200: jsonIn("The release.", ReleaseSchema),
				...problemResponses("invalid_request", ...REFUSALS, "unknown_release"),
			},
		}),
		async function getFirmware(c) {
			const { version, board } = c.req.valid("param");
			return c.json(
				await releaseDocument(await releases.get(version, board)),
				200,
			);
		},
	);

	app.openapi(
		createRoute({
			...COMMON,
			method: "delete",
			path: "/v1/firmware/{version}/{board}",
			operationId: "withdrawFirmware",
			summary: "Withdraw a release",
			description: "Devices that are at it do not find it any more.",
			request: { params: ReleaseParams, query: noQuery },
			responses: {
				204: { description: "It is gone." },
				...problemResponses("invalid_request", ...REFUSALS, "unknown_release"),
			},
		}),
		async function withdrawFirmware(c) {
			const { version, board } = c.req.valid("param");
			await releases.withdraw(version, board);
			return c.body(null, 204);
		},
	);
}

/** GET /v1/devices/{name}/jobs: how the latest jobs of a device stand. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { UnknownDevice } from "../core/errors.ts";
import { byNewest } from "../core/jobs/latest.ts";
import type { DeviceJob } from "../core/jobs/ports.ts";
import { EXECUTION_STATUSES } from "../core/jobs/statuses.ts";
import type { AuthEnv } from "./auth.ts";
import type { ApiDeps } from "./ports.ts";
import { problemResponses } from "./problem.ts";
import { DeviceParams, SECURITY, TimeSchema } from "./schemas.ts";
import { isoTime } from "./time.ts";

export const StatusSchema = z.enum(EXECUTION_STATUSES).openapi({
	description: "As AWS IoT names them.",
});

export const StatusDetailsSchema = z.record(z.string(), z.string()).openapi({
	description:
		"What the device says of it: `reason` where it failed, `progress` in percent and `step` while it goes on.",
	example: { reason: "wrong_board" },
});

export const WaitsForSchema = z.string().nullable().openapi({
	description:
		"While it is QUEUED: id of the job that the device does right before it, since it does one at a time. Null where there is none; in a list of executions on AWS always.",
	example: "update-1-2-0",
});

const DeviceJobSchema = z
	.object({
		job: z.string().openapi({ description: "Id of the job." }),
		status: StatusSchema,
		statusDetails: StatusDetailsSchema,
		at: TimeSchema.openapi({ description: "When it came to that." }),
		deleted: z.boolean().openapi({
			description: "Whether the execution has been deleted since.",
		}),
		waitsFor: WaitsForSchema,
	})
	.openapi("DeviceJob");

function documentOf(execution: DeviceJob): z.infer<typeof DeviceJobSchema> {
	return {
		job: execution.jobId,
		status: execution.status,
		statusDetails: { ...execution.statusDetails },
		at: isoTime(execution.atMs),
		deleted: execution.deleted,
		waitsFor: execution.waitsFor,
	};
}

export function addDeviceJobs(app: OpenAPIHono<AuthEnv>, deps: ApiDeps): void {
	app.openapi(
		createRoute({
			method: "get",
			path: "/v1/devices/{name}/jobs",
			operationId: "listDeviceJobs",
			summary: "The latest jobs of a device, newest first",
			tags: ["jobs"],
			security: SECURITY,
			request: { params: DeviceParams, query: z.strictObject({}) },
			responses: {
				200: {
					description: "The jobs, some twenty at most.",
					content: {
						"application/json": {
							schema: z.object({ jobs: z.array(DeviceJobSchema) }),
						},
					},
				},
				...problemResponses(
					"invalid_request",
					"not_signed_in",
					"unknown_device",
				),
			},
		}),
		async function listDeviceJobs(c) {
			const { name } = c.req.valid("param");
			const executions = await deps.deviceJobs.get(name);
			if (executions === null) throw new UnknownDevice(name);
			return c.json(
				{ jobs: executions.toSorted(byNewest).map(documentOf) },
				200,
			);
		},
	);
}

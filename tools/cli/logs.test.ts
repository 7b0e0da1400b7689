import assert from "node:assert/strict";
import { ApiProblem } from "./api-problem.ts";
import { CommandError } from "./errors.ts";
import { request, type Waiting } from "./logs.ts";

/** An API whose job goes through those statuses, one a look. */
function apiOf(
	statuses: readonly {
		readonly status: string;
		readonly waitsFor?: string;
		readonly statusDetails?: Readonly<Record<string, string>>;
	}[],
	online = true,
) {
	const made: { id: string; document: object; devices: string[] }[] = [];
	let looks = 0;
	return {
		made,
		async get(path: string): Promise<Response> {
			if (path === "/v1/devices/roof") return Response.json({ online });
			assert.equal(path, `/v1/jobs/${made[0]?.id}/executions/roof`);
			const at = Math.min(looks++, statuses.length - 1);
			const execution = statuses[at];
			if (execution === undefined)
				throw new ApiProblem("unknown_execution", "It was not told.");
			return Response.json({
				device: "roof",
				statusDetails: {},
				waitsFor: null,
				...execution,
			});
		},
		async send(method: string, path: string, body: unknown): Promise<Response> {
			assert.deepEqual([method, path], ["POST", "/v1/jobs"]);
			made.push(body as (typeof made)[number]);
			return Response.json({});
		},
	};
}

function virtualWaiting(): Waiting {
	let nowMs = 0;
	return {
		nowMs: () => nowMs,
		async sleep(delayMs) {
			nowMs += delayMs;
		},
	};
}

const run = (api: ReturnType<typeof apiOf>, patienceMs = 60_000) =>
	request(api, "roof", patienceMs, virtualWaiting());

describe("thinghz logs --request", () => {
	it("makes a job for the one device and waits until it is done", async () => {
		const api = apiOf([
			{ status: "QUEUED" },
			{ status: "IN_PROGRESS" },
			{ status: "SUCCEEDED" },
		]);
		await run(api);
		assert.equal(api.made.length, 1);
		const { id, ...job } = api.made[0] as { id: string };
		assert.match(id, /^logs-[0-9a-f]{16}$/);
		assert.deepEqual(job, {
			document: { operation: "logs", version: 1 },
			devices: ["roof"],
		});
	});

	for (const [name, details, message] of [
		["FAILED", { reason: "not_sent" }, /is FAILED \(not_sent\)/],
		[
			"REJECTED",
			{ reason: "no_log", detail: "This board keeps no log." },
			/is REJECTED \(no_log: This board keeps no log\.\)/,
		],
		["CANCELED", {}, /is CANCELED\./],
	] as const) {
		it(`says why where the job is ${name}`, async () => {
			const api = apiOf([{ status: name, statusDetails: details }]);
			await assert.rejects(run(api), (error) => {
				assert.ok(error instanceof CommandError);
				assert.match(error.message, message);
				return true;
			});
		});
	}

	it("says which job the node does first, where it did not come to this one in time", async () => {
		const api = apiOf([{ status: "QUEUED", waitsFor: "update-1-2-0" }]);
		await assert.rejects(
			run(api),
			/it does the job update-1-2-0 first \(waits_for\)/,
		);
	});

	it("ends when the node is not back in time, and says that the job stays", async () => {
		for (const statuses of [[], [{ status: "QUEUED" }]]) {
			await assert.rejects(
				run(apiOf(statuses, false)),
				/has not sent its log yet/,
			);
		}
	});
});

import assert from "node:assert/strict";
import { ApiProblem } from "./api-problem.ts";
import { detailsOf, ExecutionReader, MAX_ASKED } from "./executions.ts";
import type { ExecutionRow } from "./job-rows.ts";

/** As the API on AWS: a list that has nothing but states, and each device by itself. */
function apiOf(whole: ExecutionRow[]) {
	const asked: string[] = [];
	return {
		asked,
		async get(path: string): Promise<Response> {
			if (path.endsWith("/executions") || path.includes("?")) {
				const executions = whole.map((row) => ({
					...row,
					statusDetails: null,
					waitsFor: null,
				}));
				return Response.json({ executions, next: null });
			}
			const device = path.replace("/v1/jobs/update/executions/", "");
			asked.push(device);
			const row = whole.find((one) => one.device === device);
			if (row?.status === "REMOVED")
				throw new ApiProblem("unknown_execution", "It is gone.");
			return Response.json(row);
		},
	};
}

function row(device: string, change: Partial<ExecutionRow> = {}): ExecutionRow {
	return {
		device,
		status: "FAILED",
		statusDetails: { reason: "wrong_board" },
		updated: "2026-03-01T12:00:00.000Z",
		attempt: 1,
		waitsFor: null,
		...change,
	};
}

describe("how far the devices of a job are, for commands", () => {
	it("is asked for one by one where a list does not say it, but for what needs no reason", async () => {
		const api = apiOf([
			row("a"),
			row("b", { status: "SUCCEEDED", statusDetails: {} }),
			row("c", {
				status: "QUEUED",
				statusDetails: {},
				waitsFor: "update-1-2-0",
			}),
			row("d", { status: "REMOVED" }),
		]);
		const rows = await new ExecutionReader(api, "update").read();
		assert.deepEqual(api.asked.sort(), ["a", "c", "d"]);
		assert.deepEqual(rows.map(detailsOf), [
			{ reason: "wrong_board" },
			{},
			{ reason: "waits_for", job: "update-1-2-0" },
			{},
		]);
	});

	it("is not asked for again where nothing has changed", async () => {
		const rows = [row("a", { status: "IN_PROGRESS" }), row("b")];
		const api = apiOf(rows);
		const reader = new ExecutionReader(api, "update");
		await reader.read();
		rows[0] = row("a", {
			status: "IN_PROGRESS",
			updated: "2026-03-01T12:00:05.000Z",
			statusDetails: { step: "loading" },
		});
		api.asked.length = 0;
		const [first, second] = await reader.read();
		assert.deepEqual(api.asked, ["a"]);
		assert.deepEqual(first?.statusDetails, { step: "loading" });
		assert.deepEqual(second?.statusDetails, { reason: "wrong_board" });
	});

	it("is asked for of so many devices at most", async () => {
		const all = Array.from({ length: MAX_ASKED + 5 }, (_, at) => row(`d${at}`));
		const api = apiOf(all);
		const rows = await new ExecutionReader(api, "update").read();
		assert.equal(api.asked.length, MAX_ASKED);
		assert.equal(rows.length, MAX_ASKED + 5);
		assert.equal(rows.at(-1)?.statusDetails, null);
	});

	it("is asked for first of those that failed and those that are at it, wherever the list has them", async () => {
		const waiting = Array.from({ length: MAX_ASKED }, (_, at) =>
			row(`q${at}`, { status: "QUEUED", statusDetails: {} }),
		);
		const busy = row("busy", {
			status: "IN_PROGRESS",
			statusDetails: { step: "load" },
		});
		const api = apiOf([...waiting, busy, row("failed")]);
		const rows = await new ExecutionReader(api, "update").read();
		assert.deepEqual(api.asked.slice(0, 2), ["failed", "busy"]);
		assert.deepEqual(rows.slice(-2).map(detailsOf), [
			{ step: "load" },
			{ reason: "wrong_board" },
		]);
	});

	it("is asked for no further where the cloud has no answer just now, and the list is shown all the same", async () => {
		const api = apiOf(Array.from({ length: 40 }, (_, at) => row(`d${at}`)));
		const asked = { ...api, get: failingAfter(api, 12, "unavailable") };
		const rows = await new ExecutionReader(asked, "update").read();
		assert.equal(rows.length, 40);
		const known = rows.filter(({ statusDetails }) => statusDetails !== null);
		assert.equal(known.length, 12);
		assert.equal(api.asked.length, 12);
		const other = { ...api, get: failingAfter(api, 12, "forbidden") };
		await assert.rejects(new ExecutionReader(other, "update").read(), {
			problem: "forbidden",
		});
	});
});

/** Answers so many questions about single devices. */
function failingAfter(
	api: ReturnType<typeof apiOf>,
	answers: number,
	problem: string,
) {
	let asked = 0;
	return async (path: string): Promise<Response> => {
		if (path.includes("/executions/") && ++asked > answers)
			throw new ApiProblem(problem, "No.");
		return api.get(path);
	};
}

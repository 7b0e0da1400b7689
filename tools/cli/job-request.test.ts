import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandError, UsageError } from "./errors.ts";
import { abortOf, type CreateOptions, jobRequest } from "./job-request.ts";

describe("A job by the options of `thinghz jobs create`", () => {
	let dir: string;
	let document: string;

	before(() => {
		dir = mkdtempSync(join(tmpdir(), "thinghz-job-"));
		document = join(dir, "reboot.json");
		writeFileSync(document, '{"operation":"reboot","version":1}');
		writeFileSync(join(dir, "bad.json"), "{");
	});

	after(() => rmSync(dir, { recursive: true }));

	const made = (options: Partial<CreateOptions>) =>
		jobRequest("job-1", { document, ...options });

	it("names devices, or asks for who matches", () => {
		const base = {
			id: "job-1",
			document: { operation: "reboot", version: 1 },
		};
		assert.deepEqual(made({ to: "a, b,a" }), { ...base, devices: ["a", "b"] });
		assert.deepEqual(made({ where: "site=roof" }), {
			...base,
			where: "site=roof",
		});
	});

	it("has a rate that grows, a threshold, a time and retries", () => {
		assert.deepEqual(
			made({
				to: "a",
				foreign: true,
				comment: "Now",
				rate: "100",
				grow: "5x1.5/10",
				abort: ["20%/10", "5.5%/3:REJECTED"],
				timeout: "90s",
				retries: "2",
			}),
			{
				id: "job-1",
				document: { operation: "reboot", version: 1 },
				foreign: true,
				comment: "Now",
				devices: ["a"],
				rollout: {
					maximumPerMinute: 100,
					exponential: {
						baseRatePerMinute: 5,
						incrementFactor: 1.5,
						succeededThings: 10,
					},
				},
				abort: [
					{
						failureType: "ALL",
						thresholdPercentage: 20,
						minExecutedThings: 10,
					},
					{
						failureType: "REJECTED",
						thresholdPercentage: 5.5,
						minExecutedThings: 3,
					},
				],
				timeoutMinutes: 2,
				retries: [{ failureType: "ALL", retries: 2 }],
			},
		);
	});

	it("is done in stages, as fast as it may be within them", () => {
		assert.deepEqual(made({ to: "a", stages: "5%, 12.5%,100%" }), {
			id: "job-1",
			document: { operation: "reboot", version: 1 },
			devices: ["a"],
			rollout: { maximumPerMinute: 1000, stages: [5, 12.5, 100] },
		});
	});

	for (const options of [
		{ to: "a", stages: "5%" },
		{ to: "a", stages: "25%,5%,100%" },
		{ to: "a", stages: "5,100" },
		{ to: "a", stages: "" },
		{ to: "a", stages: "50%,100%", grow: "5x2/10" },
		{},
		{ to: "a", where: "site=roof" },
		{ to: "a,,b" },
		{ to: "a b" },
		{ to: "a", rate: "0" },
		{ to: "a", rate: "many" },
		{ to: "a", grow: "5x2/10" },
		{ to: "a", rate: "9", grow: "5" },
		{ to: "a", timeout: "10s" },
		{ to: "a", timeout: "8d" },
		{ to: "a", retries: "11" },
	]) {
		it(`is not made of ${JSON.stringify(options)}`, () => {
			assert.throws(() => made(options), UsageError);
		});
	}

	for (const text of ["20", "20%", "%/5", "20%/5:LATE", "20%/x", "2000%/5"]) {
		it(`has no threshold like ${text}`, () => {
			assert.throws(() => abortOf(text), UsageError);
		});
	}

	it("is not made without a document that can be read", () => {
		for (const name of ["none.json", "bad.json"]) {
			assert.throws(
				() => made({ to: "a", document: join(dir, name) }),
				(error) =>
					error instanceof CommandError && error.message.includes(name),
			);
		}
	});
});

import assert from "node:assert/strict";
import { refusalOfProvisioning } from "../claims.ts";
import { memoryClaims } from "../fakes/memory-claims.ts";
import { JobError, type JobSettings } from "./job.ts";
import type { JobControl, JobView } from "./ports.ts";
import { jobsThatAllowRotation } from "./rotation-jobs.ts";

const NOW = 1_790_000_000_000;

describe("The job rotate, as it is made", () => {
	function setUp() {
		const claims = memoryClaims();
		const made: string[] = [];
		const device = (name: string, site: string) => ({
			name,
			board: "esp32",
			firmware: "1.0.0",
			tags: { site },
		});
		const jobs = jobsThatAllowRotation(
			{
				async create({ jobId }) {
					made.push(jobId);
					return {} as JobView;
				},
			} as JobControl,
			{
				claims,
				fleet: {
					list: async () => [device("boiler", "cellar"), device("roof", "top")],
				},
				clock: { nowMs: () => NOW },
			},
		);
		const create = (targets: JobSettings["targets"], operation = "rotate") =>
			jobs.create({
				jobId: "a",
				document: JSON.stringify({ operation, version: 1 }),
				targets,
			} as JobSettings);
		const refusal = (name: string, clientId = name) =>
			refusalOfProvisioning(claims, { clientId, name }, NOW);
		return { create, refusal, made, claims };
	}

	it("lets the devices that it names exchange their certificates, and no others", async () => {
		const { create, refusal, made } = setUp();
		await create({ things: ["boiler", "nobody"] });
		assert.deepEqual(made, ["a"]);
		assert.equal(await refusal("boiler"), null);
		assert.equal(await refusal("roof"), "not_allowed");
		assert.equal(await refusal("nobody"), "not_allowed");
	});

	it("lets those that match its query", async () => {
		const { create, refusal } = setUp();
		await create({ where: "site=top" });
		assert.equal(await refusal("boiler"), "not_allowed");
		assert.equal(await refusal("roof"), null);
		await assert.rejects(create({ where: "=" }), JobError);
	});

	it("lets nobody take their names who has a claim certificate, or another thing's", async () => {
		const { create, refusal } = setUp();
		await create({ things: ["boiler"] });
		assert.equal(await refusal("boiler", "thinghz-claim:x"), "not_allowed");
		assert.equal(await refusal("boiler", "roof"), "not_own_name");
		assert.equal(await refusal("rotate:boiler", "thinghz-claim:x"), "bad_name");
		assert.equal(await refusal("boiler"), null);
	});

	it("lets nobody where the job is another", async () => {
		const { create, refusal } = setUp();
		await create({ things: ["boiler"] }, "reboot");
		assert.equal(await refusal("boiler"), "not_allowed");
	});
});

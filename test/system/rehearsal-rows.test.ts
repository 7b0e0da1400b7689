/** The rehearsal of what databases of rows add to the stack on AWS passes, and fails on stacks that would fail in the cloud. */
import assert from "node:assert/strict";
import { skipWithoutInflux } from "../../cloud/influxdb/fakes/influxd.ts";
import {
	failuresOf,
	forbid,
	named,
	REHEARSAL_TIMEOUT_MS,
	RehearsedStack,
	type Resources,
} from "./support/rehearsal.ts";

interface Fault {
	readonly what: string;
	readonly scene: string;
	readonly spoil: (resources: Resources) => void;
	readonly message: RegExp;
}

const FAULTS: Readonly<Record<"influxdb" | "timestream", readonly Fault[]>> = {
	influxdb: [
		{
			what: "the function may not read the secret",
			scene: "learns the time",
			spoil: (resources) =>
				forbid(resources, /^RowsFunctionRole/, "secretsmanager:GetSecretValue"),
			message: /thinghz-rows may not secretsmanager:GetSecretValue/,
		},
		{
			what: "nothing leads from its network to Secrets Manager",
			scene: "learns the time",
			spoil(resources) {
				const endpoint = named(resources, "AWS::EC2::VPCEndpoint", /Secrets/);
				endpoint.Properties.PrivateDnsEnabled = false;
			},
			message: /thinghz-rows does not reach secretsmanager from its VPC/,
		},
		{
			what: "InfluxDB does not let the function in",
			scene: "learns the time",
			spoil(resources) {
				const rule = named(
					resources,
					"AWS::EC2::SecurityGroupIngress",
					/ServerfromthinghzRows/,
				);
				rule.Properties.FromPort = rule.Properties.ToPort = 8088;
			},
			message: /thinghz-rows does not reach InfluxDB/,
		},
	],
	timestream: [
		{
			what: "the function may not write",
			scene: "learns the time",
			spoil: (resources) =>
				forbid(resources, /^RowsFunctionRole/, "timestream:WriteRecords"),
			message: /thinghz-rows may not timestream:WriteRecords on .*readings/,
		},
		{
			what: "what could not be written for a day goes nowhere",
			scene: "away for a day",
			spoil(resources) {
				const mapping = named(
					resources,
					"AWS::Lambda::EventSourceMapping",
					/^RowsFunction/,
				);
				delete mapping.Properties.DestinationConfig;
			},
			message: /records of the stream of thinghz-blocks are lost/,
		},
	],
};

for (const [store, faults] of Object.entries(FAULTS)) {
	describe(`The rehearsal with timeseries=${store}`, () => {
		const stack = new RehearsedStack();

		before(function () {
			this.timeout(REHEARSAL_TIMEOUT_MS);
			if (store === "influxdb") skipWithoutInflux(this);
			stack.synthesize({ timeseries: store });
		});

		after(() => stack.remove());

		it("passes, from a block to a row, with a database that is away and one that refuses", async function () {
			this.timeout(REHEARSAL_TIMEOUT_MS);
			assert.equal(await failuresOf(stack.dir, { rowsOnly: true }), "");
		});

		for (const { what, scene, spoil, message } of faults) {
			it(`fails when ${what}`, async function () {
				this.timeout(REHEARSAL_TIMEOUT_MS);
				assert.match(
					await failuresOf(stack.changed(spoil), {
						rowsOnly: true,
						only: scene,
					}),
					message,
				);
			});
		}
	});
}

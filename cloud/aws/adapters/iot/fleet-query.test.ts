/** Queries are compared with AWS's documentation of them; AWS itself is not asked. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { JobError } from "../../../core/jobs/job.ts";
import {
	compareVersions,
	matches,
	parseQuery,
} from "../../../core/jobs/query.ts";
import { StoreError } from "../../../core/ports.ts";
import { answeringIot, awsRefusal } from "../../fakes/answering-iot.ts";
import { fleetQuery } from "./fleet-query.ts";
import {
	attributeValue,
	noteFirmware,
	versionOrder,
} from "./thing-attributes.ts";

const asQuery = (text: string) => fleetQuery(parseQuery(text));
const BOUND = "v0000010000020000001";

describe("A query for devices on AWS IoT", () => {
	for (const [text, query] of [
		["name=porch", "thingName:porch"],
		[
			"site=roof/2 floor!=1",
			"attributes.site:roof\\/2 AND NOT attributes.floor:1",
		],
		["board=esp32*", "attributes.board:esp32*"],
		["firmware=1.2.0", "attributes.firmware:1.2.0"],
		["firmware!=1.2.0", "thingName:* AND NOT attributes.firmware:1.2.0"],
		["firmware=1.2.0+b7", "attributes.firmware:1.2.0_b7"],
		[
			"firmware<1.2",
			`attributes.firmwareOrder:["v0000000000000000000" TO "${BOUND}"}`,
		],
		[
			"firmware<=1.2.0",
			`attributes.firmwareOrder:["v0000000000000000000" TO "${BOUND}"]`,
		],
		[
			"firmware>1.2.0",
			`attributes.firmwareOrder:{"${BOUND}" TO "v9999999999999999991"]`,
		],
		[
			"firmware>=1.2.0",
			`attributes.firmwareOrder:["${BOUND}" TO "v9999999999999999991"]`,
		],
		[
			"board=esp32c3 firmware<1.2.0 site!=lab",
			`attributes.board:esp32c3 AND attributes.firmwareOrder:["v0000000000000000000" TO "${BOUND}"} AND NOT attributes.site:lab`,
		],
	] as const) {
		it(`is written for ${text}`, () => {
			assert.equal(asQuery(text), query);
		});
	}

	for (const text of [
		"firmware<1.2.0-rc1",
		"firmware>=1.2.3.4",
		"firmware<1000000",
	]) {
		it(`is refused for ${text}, which the index has no order for`, () => {
			assert.throws(
				() => asQuery(text),
				(error) => error instanceof JobError && error.code === "not_possible",
			);
		});
	}

	it("finds by a range of texts whom the other cloud finds by comparing versions", () => {
		const number = fc.integer({ min: 0, max: 999_999 });
		const small = fc.oneof(number, fc.integer({ min: 0, max: 2 }));
		const core = fc
			.array(small, { minLength: 1, maxLength: 3 })
			.map((parts) => parts.join("."));
		const firmware = fc
			.tuple(core, fc.constantFrom("", "-rc1", "+b7", "-rc1+b7"))
			.map((parts) => parts.join(""));
		fc.assert(
			fc.property(
				core,
				firmware,
				fc.constantFrom("<", "<=", ">", ">="),
				(bound, actual, comparison) => {
					const [term] = parseQuery(`firmware${comparison}${bound}`);
					const range = /:([[{])"(v\d+)" TO "(v\d+)"([\]}])$/.exec(
						fleetQuery([term!]),
					);
					const [, open, least = "", most = "", close] = range ?? [];
					const order = versionOrder(actual) ?? assert.fail();
					const isIn =
						(open === "[" ? order >= least : order > least) &&
						(close === "]" ? order <= most : order < most);
					const device = { name: "a", board: "b", firmware: actual, tags: {} };
					assert.equal(isIn, matches([term!], device));
				},
			),
		);
	});

	it("orders versions as texts, as the other cloud does as numbers", () => {
		const part = fc.integer({ min: 0, max: 999_999 });
		const version = fc.tuple(part, part, part).map((parts) => parts.join("."));
		fc.assert(
			fc.property(version, version, (a, b) => {
				const [left = "", right = ""] = [
					versionOrder(a) ?? "",
					versionOrder(b) ?? "",
				];
				const order = left < right ? -1 : left > right ? 1 : 0;
				assert.equal(order, compareVersions(a, b));
			}),
		);
	});
});

describe("What AWS IoT's registry has of a device's firmware", () => {
	it("is merged into the thing's attributes, with a text in whose order versions are", async () => {
		const { client, asked } = answeringIot({ UpdateThing: {} });
		const told = { board: "esp32c3", firmware: "1.2.0" };
		assert.equal(await noteFirmware(client, "boiler", told), "noted");
		assert.deepEqual(asked[0]?.input, {
			thingName: "boiler",
			attributePayload: {
				attributes: { ...told, firmwareOrder: BOUND },
				merge: true,
			},
		});
	});

	it("has no order where the firmware is no version, and only what an attribute may have", async () => {
		const { client, asked } = answeringIot({ UpdateThing: {} });
		const told = { board: "mein Brett", firmware: "built by hand" };
		await noteFirmware(client, "boiler", told);
		assert.deepEqual(asked[0]?.input.attributePayload.attributes, {
			board: "mein_Brett",
			firmware: "built_by_hand",
			firmwareOrder: "",
		});
		fc.assert(
			fc.property(fc.string({ maxLength: 1000 }), (text) => {
				assert.match(attributeValue(text), /^[a-zA-Z0-9_.:-]{0,800}$/);
			}),
		);
	});

	it("is not kept of what is no thing, and is told again where AWS IoT does not take it", async () => {
		const told = { board: "virtual", firmware: "1.2.0" };
		const nobody = answeringIot({
			UpdateThing: awsRefusal("ResourceNotFoundException"),
		});
		assert.equal(await noteFirmware(nobody.client, "x", told), "ignored");
		for (const [exception, code] of [
			["ThrottlingException", "throttled"],
			["AccessDeniedException", "unavailable"],
		] as const) {
			const { client } = answeringIot({ UpdateThing: awsRefusal(exception) });
			await assert.rejects(
				noteFirmware(client, "x", told),
				(error) => error instanceof StoreError && error.code === code,
			);
		}
	});
});

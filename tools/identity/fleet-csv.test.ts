import assert from "node:assert/strict";
import fc from "fast-check";
import { FleetCsvError, parseFleetCsv } from "./fleet-csv.ts";

describe("a list of things", () => {
	it("has names, and requests over several lines", () => {
		const csr = "-----BEGIN\nx\n-----END\n";
		assert.deepEqual(
			parseFleetCsv(`name,csr\r\nporch,"${csr}"\r\nattic,\r\n`),
			[
				{ name: "porch", csr },
				{ name: "attic", csr: null },
			],
		);
		assert.deepEqual(parseFleetCsv("csr,name\n,porch"), [
			{ name: "porch", csr: null },
		]);
		assert.deepEqual(parseFleetCsv("\uFEFFname\nporch\n\nattic"), [
			{ name: "porch", csr: null },
			{ name: "attic", csr: null },
		]);
		assert.deepEqual(parseFleetCsv("name\n"), []);
	});

	it("is read as it was written", () => {
		const rows = fc.uniqueArray(
			fc.record(
				{
					name: fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/),
					csr: fc.string({ minLength: 1 }),
				},
				{ noNullPrototype: true },
			),
			{ selector: ({ name }) => name },
		);
		fc.assert(
			fc.property(rows, (list) => {
				const lines = list.map(
					({ name, csr }) => `${name},"${csr.replaceAll('"', '""')}"\n`,
				);
				assert.deepEqual(parseFleetCsv(`name,csr\n${lines.join("")}`), list);
			}),
		);
	});

	for (const [what, text] of [
		["nothing", ""],
		["no column of names", "thing\nporch\n"],
		["an unknown column", "name,colour\nporch,red\n"],
		["a name that cannot be", "name\nporch\n../etc\n"],
		["a name twice", "name\nporch\nattic\nporch\n"],
		["too few fields", "name,csr\nporch\n"],
		["too many fields", "name\nporch,attic\n"],
		["a quote without an end", 'name,csr\nporch,"x\n'],
		["something after a quote", 'name,csr\nporch,"x"y\n'],
	] as const) {
		it(`is refused as a whole with ${what}`, () => {
			assert.throws(() => parseFleetCsv(text), FleetCsvError);
		});
	}
});

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { addProvision } from "./provision.ts";

describe("thinghz provision NAME --claim", () => {
	let dir: string;
	beforeEach(() => {
		dir = mkdtempSync(join(tmpdir(), "thinghz-claim-"));
	});
	afterEach(() => rmSync(dir, { recursive: true }));

	async function run(...words: string[]): Promise<void> {
		const program = new Command().exitOverride();
		addProvision(program);
		await program.parseAsync(["provision", ...words], { from: "user" });
	}

	for (const target of ["local:DIR", "aws"])
		for (const length of [115, 128])
			it(`refuses a name of ${length} characters before anything is done, on ${target}`, async () => {
				const name = "n".repeat(length);
				const data = join(dir, "data");
				await assert.rejects(
					run(name, "--claim", "--target", target.replace("DIR", data)),
					{
						name: "UsageError",
						message: new RegExp(
							`--claim: .*${name}.* ${length} characters.* 114.*thinghz provision`,
						),
					},
				);
				assert.ok(!existsSync(data));
			});
});

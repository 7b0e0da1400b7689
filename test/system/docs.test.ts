/** What the documents say of files and commands is so. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Outcome, ROOT, thinghz } from "./support/command.ts";

const PAGES = [
	"README.md",
	"CONTRIBUTING.md",
	...["docs", "docs/decisions"].flatMap((folder) =>
		readdirSync(join(ROOT, folder))
			.filter((name) => name.endsWith(".md"))
			.map((name) => join(folder, name)),
	),
];

describe("the documents", () => {
	for (const page of PAGES) {
		it(`${page} links to nothing that is missing`, () => {
			const text = readFileSync(join(ROOT, page), "utf8");
			for (const [, target] of text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
				if (target === undefined || /^[a-z]+:/.test(target)) continue;
				const path = join(ROOT, dirname(page), target);
				assert.ok(existsSync(path), `${page}: ${target}`);
			}
		});
	}

	for (const page of PAGES) {
		it(`${page} has no marks of a merge`, () => {
			const text = readFileSync(join(ROOT, page), "utf8");
			assert.doesNotMatch(text, /^(<{7}|={7}|>{7})( |$)/m);
		});
	}

	it("README.md names commands and options that exist", async () => {
		const text = readFileSync(join(ROOT, "README.md"), "utf8");
		const lines = [...text.matchAll(/^ {4}npx thinghz (\S+)([^#\n]*)/gm)];
		assert.ok(lines.length >= 8);
		const helps = new Map<string, Pick<Outcome, "code" | "stdout">>();
		for (const [line, command, rest] of lines) {
			// A word that is no subcommand is an argument, of which help takes no notice.
			const [word] = /^ ([a-z]+) /.exec(rest ?? "")?.slice(1) ?? [];
			const words = [command ?? "", ...(word === undefined ? [] : [word])];
			const asked = words.join(" ");
			const { code, stdout } =
				helps.get(asked) ?? (await thinghz(...words, "--help"));
			helps.set(asked, { code, stdout });
			assert.equal(code, 0, line);
			for (const [option] of (rest ?? "").matchAll(/--[a-z-]+/g)) {
				assert.ok(stdout.includes(option), `${line}: ${option}`);
			}
		}
	});

	it("docs/fleet.md names a test for each reason of what is refused, and the test names the reason", () => {
		const text = readFileSync(join(ROOT, "docs/fleet.md"), "utf8");
		const [, section = ""] = text.split("## What is refused");
		const [table = ""] = section.split("\n## ");
		const rows = table
			.split("\n")
			.filter((line) => line.startsWith("| "))
			.slice(1)
			.map((line) => line.split("|").map((cell) => cell.trim()));
		assert.ok(rows.length >= 19);
		for (const [, input, reason = "", , tests = ""] of rows) {
			const files = [...tests.matchAll(/`([^`]+)`/g)].map(([, file]) =>
				readFileSync(join(ROOT, file ?? ""), "utf8"),
			);
			assert.ok(files.length > 0, input);
			for (const [, name] of reason.matchAll(/`([a-z]+(?:_[a-z]+)*)`/g)) {
				const isShown = files.some((text) => text.includes(name ?? ""));
				assert.ok(isShown, `${input}: ${name}`);
			}
		}
	});

	it("every package is in docs/dependencies.md, and none that is not one", () => {
		const { dependencies, devDependencies } = JSON.parse(
			readFileSync(join(ROOT, "package.json"), "utf8"),
		) as Record<string, Record<string, string>>;
		const text = readFileSync(join(ROOT, "docs/dependencies.md"), "utf8");
		const listed = [...text.matchAll(/^\|([^|]*)\|/gm)]
			.flatMap(([, cell]) => [...(cell ?? "").matchAll(/`([^`]+)`/g)])
			.map(([, name]) => name)
			.sort();
		assert.deepEqual(
			listed,
			[
				...Object.keys(dependencies ?? {}),
				...Object.keys(devDependencies ?? {}),
			].sort(),
		);
	});
});

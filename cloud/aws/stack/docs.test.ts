/** docs/aws.md says what is true of the stack. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { CONTEXT_KEYS } from "./context.ts";
import { synthesized, VARIANTS, type Variant } from "./fakes/synthesized.ts";

const text = readFileSync("docs/aws.md", "utf8");

/** The rows of a table's first column, without its head. */
function firstColumn(heading: string): readonly string[] {
	const from = text.indexOf(heading);
	assert.ok(from >= 0, heading);
	const section = text.slice(from, text.indexOf("\n## ", from + 1));
	return section
		.split("\n")
		.filter((line) => line.startsWith("| "))
		.slice(1)
		.map((line) => line.split("|")[1]?.trim() ?? "");
}

function contextTable(): string {
	const rows = Object.entries(CONTEXT_KEYS).map(
		([key, { about, values, fallback }]) =>
			`| \`${key}\` | ${about} | ${values} | ${fallback ?? "–"} |`,
	);
	return `| key | what it is for | values | when not given |\n|---|---|---|---|\n${rows.join("\n")}\n`;
}

describe("docs/aws.md", function () {
	this.timeout(240_000);

	it("has every context key with its values", () => {
		const [, table] =
			/<!-- context:.*-->\n([\s\S]*?)<!-- \/context -->/.exec(text) ?? [];
		assert.equal(table, contextTable());
	});

	it("has a row for every service that the stack uses", () => {
		const rows = firstColumn("## Why each service is there").join(" ");
		/** As people call them. */
		const names: Readonly<Record<string, string>> = {
			ApiGatewayV2: "API Gateway",
			Events: "EventBridge",
			Grafana: "Managed Grafana",
			IoT: "IoT Core",
			Logs: "CloudWatch",
			Scheduler: "EventBridge Scheduler",
			SecretsManager: "Secrets Manager",
		};
		for (const variant of Object.keys(VARIANTS) as Variant[]) {
			const { Resources } = synthesized(variant).template;
			for (const { Type } of Object.values(Resources)) {
				const [vendor, service = ""] = Type.split("::");
				if (vendor !== "AWS") continue;
				assert.ok(rows.includes(names[service] ?? service), Type);
			}
		}
	});

	it("explains every alarm", () => {
		const rows = firstColumn("## When an alarm comes").join(" ");
		const { Resources } = synthesized("timestream").template;
		for (const { Type, Properties } of Object.values(Resources)) {
			if (Type !== "AWS::CloudWatch::Alarm") continue;
			const name = String(Properties?.AlarmName).replace("thinghz-", "");
			assert.ok(
				rows.includes(name) || (name.startsWith("Lost-") && /Lost-/.test(rows)),
				name,
			);
		}
	});

	it("names targets, commands and pages that there are", () => {
		const makefile = readFileSync("Makefile", "utf8");
		for (const [, target] of text.matchAll(/(?:`|^ {4})make ([a-z-]+)/gm)) {
			assert.match(makefile, new RegExp(`^${target}:`, "m"), target);
		}
		for (const [, command] of text.matchAll(/npx thinghz ([a-z]+)/g)) {
			const found = ["", "-command"].some((end) =>
				existsSync(`tools/cli/${command}${end}.ts`),
			);
			assert.ok(found, command);
		}
		for (const [, page] of text.matchAll(/\]\(([^)#]+)\)/g)) {
			assert.ok(existsSync(`docs/${page}`), page);
		}
	});
});

/** `thinghz claims`: which nodes may become things by themselves; `thinghz provision NAME --claim` lets one. */
import type { Command } from "commander";
import type { ApiClient } from "./api-client.ts";
import { addClaimCertificates } from "./claim-certificates.ts";
import { addDefaultList, type CommonOptions, commonOptions } from "./common.ts";
import { formatTable, printJson, printMessage } from "./output.ts";
import { usingApi } from "./using-api.ts";

interface ClaimRow {
	readonly name: string;
	/** ISO-8601. */
	readonly allowed: string;
	/** ISO-8601, or null while no node has become the thing. */
	readonly claimed: string | null;
}

export function addClaims(program: Command): void {
	const claims = commonOptions(
		program
			.command("claims")
			.description("which nodes may become things by themselves, once each"),
	);
	// Their options are those of `claims`, which take effect before and after their names.
	addDefaultList(
		claims,
		"list the names that may be claimed or have been",
		list,
	);
	claims
		.command("revoke")
		.description("let no node become these things by itself any more")
		.argument("<name...>")
		.action((names: readonly string[], _options: unknown, command: Command) =>
			revoke(names, command.optsWithGlobals<CommonOptions>()),
		);
	addClaimCertificates(claims);
}

async function list(options: CommonOptions): Promise<void> {
	const claims = await usingApi(options, allClaims);
	if (options.json) return printJson(claims);
	if (claims.length === 0) {
		return printMessage(
			"No node may become a thing by itself. `thinghz provision NAME --claim` lets one.",
		);
	}
	process.stdout.write(
		formatTable(
			["name", "allowed", "claimed"],
			claims.map(({ name, allowed, claimed }) => [
				name,
				allowed,
				claimed ?? "not yet",
			]),
		),
	);
}

async function allClaims(api: ApiClient): Promise<readonly ClaimRow[]> {
	const claims: ClaimRow[] = [];
	let query = "?limit=1000";
	for (;;) {
		const response = await api.get(`/v1/claims${query}`);
		const page = (await response.json()) as {
			readonly claims: readonly ClaimRow[];
			readonly next: string | null;
		};
		claims.push(...page.claims);
		if (page.next === null) return claims;
		query = `?limit=1000&cursor=${encodeURIComponent(page.next)}`;
	}
}

/** One after the other: what came before one that fails is revoked. */
async function revoke(
	names: readonly string[],
	options: CommonOptions,
): Promise<void> {
	await usingApi(options, async (api) => {
		for (const name of names) {
			await api.send("DELETE", `/v1/claims/${encodeURIComponent(name)}`);
			if (!options.json) {
				printMessage(`No node may become ${name} by itself any more.`);
			}
		}
	});
	if (options.json) printJson({ revoked: names });
}

/** Plays rehearsals of a stack that these sources make, as it is and spoiled. */
import assert from "node:assert/strict";
import {
	cpSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { ContextInput } from "../../../cloud/aws/stack/context.ts";
import { Assembly } from "../../../tools/rehearse/assembly.ts";
import {
	type RehearsalOptions,
	rehearse,
} from "../../../tools/rehearse/rehearse.ts";
import { synthesize } from "../../../tools/rehearse/synthesize.ts";
import { Transcript } from "../../../tools/rehearse/transcript.ts";
import { temporaryFolder } from "./cloud.ts";

export const REHEARSAL_TIMEOUT_MS = 600_000;

export interface Resource {
	readonly Type: string;
	readonly Properties: Record<string, unknown>;
}

export type Resources = Record<string, Resource>;

export class RehearsedStack {
	readonly #folder = temporaryFolder();
	#variants = 0;

	/** Of the assembly. */
	get dir(): string {
		return join(this.#folder.dir, "cdk.out");
	}

	synthesize(context: ContextInput): void {
		process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
		synthesize(context, this.dir);
	}

	remove(): void {
		this.#folder.remove();
	}

	/** The same assembly with something of its template changed. @returns its folder */
	changed(change: (resources: Resources) => void): string {
		const dir = join(this.#folder.dir, `variant-${this.#variants++}`);
		mkdirSync(dir);
		for (const name of readdirSync(this.dir)) {
			if (name.startsWith("asset.")) {
				symlinkSync(join(this.dir, name), join(dir, name));
			} else if (name.endsWith(".json")) {
				cpSync(join(this.dir, name), join(dir, name));
			}
		}
		const file = join(dir, "thinghz.template.json");
		const template = JSON.parse(readFileSync(file, "utf8"));
		change(template.Resources);
		writeFileSync(file, JSON.stringify(template));
		return dir;
	}
}

/** @returns what failed, or why nothing could be played */
export async function failuresOf(
	dir: string,
	options: RehearsalOptions = {},
): Promise<string> {
	const transcript = new Transcript(() => undefined);
	try {
		await rehearse(new Assembly(dir), transcript, options);
	} catch (error) {
		return (error as Error).message;
	}
	return transcript.scenes
		.flatMap(({ title, lines }) =>
			lines
				.filter(({ kind }) => kind === "failed")
				.map(({ text }) => `${title}: ${text}`),
		)
		.join("\n");
}

export function named(
	resources: Resources,
	type: string,
	like: RegExp,
): Resource {
	const found = Object.entries(resources).find(
		([id, resource]) => resource.Type === type && like.test(id),
	);
	assert.ok(found, `no ${type} like ${like}`);
	return found[1];
}

/** Takes an action out of the policy of a role. */
export function forbid(
	resources: Resources,
	like: RegExp,
	action: string,
): void {
	const policy = named(resources, "AWS::IAM::Policy", like);
	const { Statement } = policy.Properties.PolicyDocument as {
		Statement: { Action: string | string[] }[];
	};
	let taken = 0;
	for (const statement of Statement) {
		const actions = [statement.Action].flat();
		taken += actions.filter((one) => one === action).length;
		statement.Action = [
			...actions.filter((one) => one !== action),
			"none:Nothing",
		];
	}
	assert.ok(taken > 0, `${action} was not allowed`);
}

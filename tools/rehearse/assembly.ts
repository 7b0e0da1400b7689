/**
 * What `make synth` has written: the template, and the folders of the functions' bundles. The cloud assembly's format:
 * aws-cdk-lib/cloud-assembly-schema.
 */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { RehearsalError } from "./errors.ts";
import { type Json, objectIn, textIn } from "./json.ts";
import { type Resource, Template } from "./template.ts";

export class Assembly {
	readonly template: Template;
	readonly #dir: string;
	/** Folders by the object keys under which they are deployed. */
	readonly #assets: ReadonlyMap<string, string>;

	/** @throws RehearsalError not_synthesized, unreadable_template */
	constructor(dir: string) {
		this.#dir = resolve(dir);
		const manifest = this.#read("manifest.json");
		const stacks = Object.values(objectIn(manifest.artifacts, "artifacts"))
			.map((artifact) => objectIn(artifact, "An artifact"))
			.filter(({ type }) => type === "aws:cloudformation:stack");
		const [stack] = stacks;
		if (stack === undefined || stacks.length > 1) {
			throw new RehearsalError(
				"unreadable_template",
				`${dir} holds ${stacks.length} stacks; the rehearsal expects one.`,
			);
		}
		const file = textIn(
			objectIn(stack.properties, "properties").templateFile,
			"templateFile",
		);
		this.template = new Template(this.#read(file));
		const { files } = this.#read(
			file.replace(/\.template\.json$/, ".assets.json"),
		);
		this.#assets = new Map(
			Object.values(objectIn(files, "files")).flatMap((value) => {
				const { source, destinations } = objectIn(value, "An asset");
				const path = textIn(objectIn(source, "source").path, "path");
				return Object.values(objectIn(destinations, "destinations")).map(
					(destination) => [
						textIn(objectIn(destination, "destination").objectKey, "objectKey"),
						path,
					],
				);
			}),
		);
	}

	/**
	 * The file in which a function's handler is, and the handler's name.
	 * @throws RehearsalError not_synthesized, unreadable_template
	 */
	handlerOf(resource: Resource): {
		readonly bundle: string;
		readonly handler: string;
	} {
		const { Code, Handler } = this.template.properties(resource);
		const key = textIn(
			objectIn(Code, `${resource.id}.Code`).S3Key,
			`${resource.id}.Code.S3Key`,
		);
		const folder = this.#assets.get(key);
		if (folder === undefined) {
			throw new RehearsalError(
				"unreadable_template",
				`${resource.id}'s code, ${key}, is no asset of the assembly.`,
			);
		}
		const [module = "", handler = ""] = textIn(
			Handler,
			`${resource.id}.Handler`,
		).split(".");
		for (const extension of [".mjs", ".js", ".cjs"]) {
			const bundle = join(this.#dir, folder, module + extension);
			if (existsSync(bundle)) return { bundle, handler };
		}
		throw new RehearsalError(
			"not_synthesized",
			`${join(this.#dir, folder)} has no ${module}.mjs, where ${resource.id} has its handler.`,
		);
	}

	#read(file: string): Json {
		const path = join(this.#dir, file);
		let text: string;
		try {
			text = readFileSync(path, "utf8");
		} catch (cause) {
			throw new RehearsalError(
				"not_synthesized",
				`${path} cannot be read. \`make synth\` writes it.`,
				{ cause },
			);
		}
		return objectIn(JSON.parse(text), path);
	}
}

/**
 * What `make synth` has written: the template, and the folders of the functions' bundles. The cloud assembly's format:
 * aws-cdk-lib/cloud-assembly-schema.
 */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { RehearsalError } from "./errors.ts";
import { isObject, type Json, listIn, objectIn, textIn } from "./json.ts";
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

	/**
	 * A text file that CDK's own function puts into a bucket, with what only a deployment knows in the places of its markers:
	 * aws-cdk-lib/aws-s3-deployment ("Source.jsonData").
	 * @throws RehearsalError bad_wiring when none is deployed
	 */
	deployedFile(name: string): string {
		for (const resource of this.template.ofType(
			"Custom::CDKBucketDeployment",
		)) {
			const properties = this.template.properties(resource);
			const keys = listIn(properties.SourceObjectKeys, resource.id);
			const markers = listIn(properties.SourceMarkers, resource.id);
			for (const [index, key] of keys.entries()) {
				const folder = this.#assets.get(textIn(key, resource.id));
				const path = join(this.#dir, folder ?? "", name);
				if (folder === undefined || !existsSync(path)) continue;
				return withMarkers(readFileSync(path, "utf8"), markers[index]);
			}
		}
		throw new RehearsalError("bad_wiring", `No ${name} is deployed.`);
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

/** In JSON, what is put in is escaped as JSON's texts are. */
function withMarkers(text: string, markers: unknown): string {
	return Object.entries(isObject(markers) ? markers : {}).reduce(
		(all, [marker, value]) =>
			all.replaceAll(marker, () =>
				JSON.stringify(textIn(value, marker)).slice(1, -1),
			),
		text,
	);
}

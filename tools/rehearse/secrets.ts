/**
 * Secrets Manager's secrets for a rehearsal: their values as CloudFormation would have them made, and what templates take of
 * them by dynamic references.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html,
 * …/UserGuide/dynamic-references-secretsmanager.html
 */
import { randomBytes } from "node:crypto";
import { RehearsalError } from "./errors.ts";
import { isObject, numberIn, objectIn, textIn } from "./json.ts";
import type { Template } from "./template.ts";

/** Of `GenerateSecretString`, where the template says nothing. */
const DEFAULT_LENGTH = 32;

/** `{{resolve:secretsmanager:ARN:SecretString:KEY:STAGE:VERSION}}`: an ARN has six colons in it. */
const REFERENCE =
	/\{\{resolve:secretsmanager:((?:[^:}]*:){6}[^:}]*):SecretString:([^:}]*):[^:}]*:[^:}]*\}\}/g;

export class Secrets {
	/** By ARN. */
	readonly #values: ReadonlyMap<string, string>;

	/** @throws RehearsalError unreadable_template */
	constructor(template: Template) {
		this.#values = new Map(
			template.ofType("AWS::SecretsManager::Secret").map((resource) => {
				const properties = template.properties(resource);
				return [template.ref(resource), secretOf(properties, resource.id)];
			}),
		);
	}

	/** Null where there is no such secret. */
	value(arn: string): string | null {
		return this.#values.get(arn) ?? null;
	}

	/** A property's text with what it refers to in secrets. @throws RehearsalError bad_wiring */
	resolve(text: string): string {
		return text.replace(REFERENCE, (reference, arn: string, key: string) => {
			const value = this.value(arn);
			const parsed: unknown = value === null ? null : JSON.parse(value);
			const member = isObject(parsed) ? parsed[key] : undefined;
			if (typeof member === "string") return member;
			throw new RehearsalError(
				"bad_wiring",
				`${reference} refers to what no secret of the template has.`,
			);
		});
	}
}

function secretOf(
	{
		SecretString,
		GenerateSecretString,
	}: {
		readonly SecretString?: unknown;
		readonly GenerateSecretString?: unknown;
	},
	id: string,
): string {
	if (SecretString !== undefined) return textIn(SecretString, id);
	const how = objectIn(GenerateSecretString ?? {}, `${id}: how it is made`);
	const length = numberIn(how.PasswordLength, id, DEFAULT_LENGTH);
	const password = randomBytes(length).toString("hex").slice(0, length);
	if (how.SecretStringTemplate === undefined) return password;
	const text = textIn(how.SecretStringTemplate, `${id}.SecretStringTemplate`);
	return JSON.stringify({
		...objectIn(JSON.parse(text), `${id}.SecretStringTemplate`),
		[textIn(how.GenerateStringKey, `${id}.GenerateStringKey`)]: password,
	});
}

/** JSON of which nothing is known until it is looked at. */
import { RehearsalError } from "./errors.ts";

export type Json = { readonly [key: string]: unknown };

export function isObject(value: unknown): value is Json {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @throws RehearsalError unreadable_template, naming `what` */
export function objectIn(value: unknown, what: string): Json {
	if (isObject(value)) return value;
	throw new RehearsalError(
		"unreadable_template",
		`${what} is no object: ${show(value)}.`,
	);
}

/** Absent is empty. @throws RehearsalError unreadable_template, naming `what` */
export function listIn(value: unknown, what: string): readonly unknown[] {
	if (value === undefined) return [];
	if (Array.isArray(value)) return value;
	throw new RehearsalError(
		"unreadable_template",
		`${what} is no list: ${show(value)}.`,
	);
}

/** @throws RehearsalError unreadable_template, naming `what` */
export function textIn(value: unknown, what: string): string {
	if (typeof value === "string") return value;
	if (typeof value === "number" || typeof value === "boolean") {
		return String(value);
	}
	throw new RehearsalError(
		"unreadable_template",
		`${what} is no text: ${show(value)}.`,
	);
}

/** @throws RehearsalError unreadable_template, naming `what` */
export function numberIn(
	value: unknown,
	what: string,
	fallback?: number,
): number {
	if (value === undefined && fallback !== undefined) return fallback;
	const number = typeof value === "string" ? Number(value) : value;
	if (typeof number === "number" && Number.isFinite(number)) return number;
	throw new RehearsalError(
		"unreadable_template",
		`${what} is no number: ${show(value)}.`,
	);
}

/** One or a list of texts, as IAM policies and CloudFormation have them. */
export function textsIn(value: unknown, what: string): readonly string[] {
	return Array.isArray(value)
		? value.map((one) => textIn(one, what))
		: value === undefined
			? []
			: [textIn(value, what)];
}

function show(value: unknown): string {
	return (JSON.stringify(value) ?? "undefined").slice(0, 200);
}

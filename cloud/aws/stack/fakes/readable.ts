/** CloudFormation's intrinsic functions as text that a person can read: `${Table.Arn}/index/dirty`. */

/** A value of a template with every Ref, GetAtt and Join in it written as text. */
export function readable(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(readable);
	if (typeof value !== "object" || value === null) return value;
	const entries = Object.entries(value);
	const [only] = entries;
	if (entries.length === 1 && only !== undefined) {
		const text = intrinsic(only[0], only[1]);
		if (text !== undefined) return text;
	}
	return Object.fromEntries(entries.map(([key, one]) => [key, readable(one)]));
}

function intrinsic(name: string, value: unknown): string | undefined {
	switch (name) {
		case "Ref":
			return `\${${value}}`;
		case "Fn::GetAtt":
			return `\${${(value as string[]).join(".")}}`;
		case "Fn::Join": {
			const [by, parts] = value as [string, unknown[]];
			return parts.map((part) => String(readable(part))).join(by);
		}
		case "Fn::Sub":
			return String(value);
		default:
			return undefined;
	}
}

/** JSON with what fits into a line on one line. */
export function print(value: unknown, indent = ""): string {
	const line = JSON.stringify(value);
	if (typeof value !== "object" || value === null) return line;
	if (indent !== "" && indent.length + line.length <= 120) return line;
	const inner = `${indent}\t`;
	const isList = Array.isArray(value);
	const parts = isList
		? value.map((one) => inner + print(one, inner))
		: Object.entries(value).map(
				([key, one]) => `${inner}${JSON.stringify(key)}: ${print(one, inner)}`,
			);
	const [open, close] = isList ? "[]" : "{}";
	return `${open}\n${parts.join(",\n")}\n${indent}${close}`;
}

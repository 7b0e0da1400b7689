/** Reads a dashboard's JSON as Grafana does, as far as tests need it. */
import type { DashboardJson } from "../dashboards.ts";

export type Target = Readonly<Record<string, unknown>> & {
	readonly refId: string;
};

export interface Variable {
	readonly name: string;
	readonly type: string;
	readonly query: unknown;
	readonly regex?: string;
}

export function targetsOf(
	dashboard: DashboardJson,
): readonly { readonly panel: string; readonly target: Target }[] {
	const { panels } = dashboard as unknown as {
		readonly panels: readonly {
			readonly title: string;
			readonly targets: readonly Target[];
		}[];
	};
	return panels.flatMap(({ title, targets }) =>
		targets.map((target) => ({ panel: title, target })),
	);
}

export function variablesOf(dashboard: DashboardJson): readonly Variable[] {
	const { templating } = dashboard as unknown as {
		readonly templating: { readonly list?: readonly Variable[] };
	};
	return templating.list ?? [];
}

/** Puts values in for `${name:format}`; formats are as Grafana's "Advanced variable format options" has them. */
export function interpolate(
	text: string,
	values: Readonly<Record<string, string>>,
): string {
	return text.replaceAll(
		/\$\{(\w+)(?::([^}]*))?\}/g,
		(whole, name: string, format: string | undefined) => {
			const value = values[name];
			if (value === undefined) throw new Error(`${whole} has no value`);
			return format === "regex"
				? value.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&")
				: value;
		},
	);
}

/** The values that a variable offers: those that its regex lets through. */
export function offered(
	variable: Pick<Variable, "regex">,
	values: readonly string[],
): string[] {
	const { regex = "" } = variable;
	if (regex === "") return [...values];
	const pattern = new RegExp(regex.replace(/^\/|\/$/g, ""));
	return values.filter((value) => pattern.test(value));
}

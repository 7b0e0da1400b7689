/** Alert rules as Grafana's provisioning API takes them; each source has those that it can answer. */
import {
	QueryBuilder,
	RuleBuilder,
	type RuleGroup,
	RuleGroupBuilder,
} from "@grafana/grafana-foundation-sdk/alerting";
import {
	TypeReduceBuilder,
	TypeThresholdBuilder,
} from "@grafana/grafana-foundation-sdk/expr";
import { type AlertQuery, type Source, targetOf } from "./source.ts";

export const FOLDER = "thinghz";
export const RULE_GROUP = "thinghz";
const INTERVAL_S = 60;
/** Grafana's name of its own expressions as a data source. */
const EXPRESSIONS = { type: "__expr__", uid: "__expr__" };

export type RuleGroupJson = RuleGroup;

interface RulePlan {
	readonly uid: string;
	readonly title: string;
	readonly summary: string;
	readonly query: AlertQuery;
	readonly when: { readonly type: "gt" | "lt"; readonly limit: number };
	/** How long it has to hold. */
	readonly forDuration: string;
}

export function buildAlerts(source: Source): RuleGroupJson {
	const { silent, silentWhen, notWell, configRefused } = source.alerts;
	const aboveZero = { type: "gt", limit: 0 } as const;
	const group = new RuleGroupBuilder(RULE_GROUP)
		.folderUid(FOLDER)
		.interval(INTERVAL_S);
	group.withRule(
		rule(source, {
			uid: "thinghz-silent",
			title: "A device has fallen silent",
			summary: "No readings have come from {{ $labels.device }} for a while.",
			query: silent,
			when: silentWhen,
			forDuration: "20m",
		}),
	);
	if (notWell !== null) {
		group.withRule(
			rule(source, {
				uid: "thinghz-not-well",
				title: "A device is not well",
				summary:
					"A sensor, the settings or the journal of {{ $labels.device }} are not well: docs/health.md says who mends what.",
				query: notWell,
				when: aboveZero,
				forDuration: "5m",
			}),
		);
	}
	if (configRefused !== null) {
		group.withRule(
			rule(source, {
				uid: "thinghz-config-refused",
				title: "A device has refused its configuration",
				summary: "The page of the device says why.",
				query: configRefused,
				when: aboveZero,
				forDuration: "5m",
			}),
		);
	}
	return JSON.parse(JSON.stringify(group.build())) as RuleGroupJson;
}

/** A: the query. B: its last value, a number a series. C: whether that is too much, or too little. */
function rule(source: Source, plan: RulePlan): RuleBuilder {
	const range = { from: plan.query.lookBackS, to: 0 };
	const { type, limit } = plan.when;
	const expression = (refId: "B" | "C") =>
		new QueryBuilder(refId)
			.datasourceUid(EXPRESSIONS.uid)
			.relativeTimeRange(range);
	return new RuleBuilder(plan.title)
		.uid(plan.uid)
		.orgID(1)
		.folderUID(FOLDER)
		.ruleGroup(RULE_GROUP)
		.condition("C")
		.forDuration(plan.forDuration)
		.noDataState("OK")
		.execErrState("Error")
		.labels({ source: "thinghz" })
		.annotations({ summary: plan.summary })
		.withQuery(
			new QueryBuilder("A")
				.datasourceUid(source.definition.uid)
				.relativeTimeRange(range)
				.model(targetOf(source, "A", plan.query.query)),
		)
		.withQuery(
			expression("B").model(
				new TypeReduceBuilder()
					.refId("B")
					.datasource(EXPRESSIONS)
					.expression("A")
					.reducer("last"),
			),
		)
		.withQuery(
			expression("C").model(
				new TypeThresholdBuilder()
					.refId("C")
					.datasource(EXPRESSIONS)
					.expression("B")
					.conditions([{ evaluator: { params: [limit], type } }]),
			),
		);
}

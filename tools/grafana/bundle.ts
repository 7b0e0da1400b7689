import { buildAlerts, FOLDER, type RuleGroupJson } from "./alerts.ts";
import { buildDashboards, type DashboardJson } from "./dashboards.ts";
import type { DataSourceDefinition, Source } from "./source.ts";

/** All that Grafana is told; of the same source always the same. */
export interface GrafanaBundle {
	readonly folder: { readonly uid: string; readonly title: string };
	readonly dataSource: DataSourceDefinition;
	readonly dashboards: readonly DashboardJson[];
	readonly ruleGroup: RuleGroupJson;
}

export function buildBundle(source: Source): GrafanaBundle {
	return {
		folder: { uid: FOLDER, title: "thinghz" },
		dataSource: source.definition,
		dashboards: buildDashboards(source),
		ruleGroup: buildAlerts(source),
	};
}

/**
 * A bundle as files: what Grafana reads at its start ("Provision Grafana" of its documentation), with dashboards that can
 * also be imported by hand. The `.yaml` files hold JSON, which is YAML as well. No secret is written: Grafana puts in the
 * environment variables that stand in their place.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { GrafanaBundle } from "./bundle.ts";

/** Paths below the folder, and their text. */
export function toFiles(bundle: GrafanaBundle): ReadonlyMap<string, string> {
	const files = new Map<string, string>();
	const { folder, dataSource, dashboards, ruleGroup } = bundle;
	const secrets = Object.keys(dataSource.secureJsonData ?? {});
	const provided = {
		...dataSource,
		...(secrets.length === 0
			? {}
			: {
					secureJsonData: Object.fromEntries(
						secrets.map((name) => [name, `$${variableOf(name)}`]),
					),
				}),
		editable: false,
	};
	files.set(
		"provisioning/datasources/thinghz.yaml",
		text({ apiVersion: 1, datasources: [provided] }),
	);
	files.set(
		"provisioning/dashboards/thinghz.yaml",
		text({
			apiVersion: 1,
			providers: [
				{
					name: "thinghz",
					folder: folder.title,
					folderUid: folder.uid,
					type: "file",
					options: { path: "/var/lib/grafana/dashboards/thinghz" },
				},
			],
		}),
	);
	const { title, interval, rules } = ruleGroup;
	files.set(
		"provisioning/alerting/thinghz.yaml",
		text({
			apiVersion: 1,
			groups: [
				{
					orgId: 1,
					name: title,
					folder: folder.title,
					interval: `${interval}s`,
					rules,
				},
			],
		}),
	);
	for (const dashboard of dashboards) {
		files.set(`dashboards/thinghz/${dashboard.uid}.json`, text(dashboard));
	}
	return files;
}

/** `bearerToken` is THINGHZ_BEARER_TOKEN, `oauth2ClientSecret` THINGHZ_OAUTH2_CLIENT_SECRET. */
function variableOf(secret: string): string {
	const words = /(?<=[a-z0-9])(?=[A-Z])|(?<=[a-z])(?=\d+$)/g;
	return `THINGHZ_${secret.replaceAll(words, "_").toUpperCase()}`;
}

export function writeFiles(
	dir: string,
	files: ReadonlyMap<string, string>,
): void {
	for (const [path, content] of files) {
		mkdirSync(dirname(join(dir, path)), { recursive: true });
		writeFileSync(join(dir, path), content);
	}
}

function text(value: unknown): string {
	return `${JSON.stringify(value, null, "\t")}\n`;
}

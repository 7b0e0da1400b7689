/** A Managed Grafana workspace and what it may read. Dashboards and alert rules are put into it by `thinghz grafana`. */
import { Aws } from "aws-cdk-lib";
import { CfnWorkspace } from "aws-cdk-lib/aws-grafana";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { STACK_NAME } from "../names.ts";
import type { Rows } from "./rows.ts";
import { acknowledgeWildcard } from "./wildcard.ts";

export interface GrafanaProps {
	readonly signIn: "sso" | "saml";
	/** Undefined where there are no rows: dashboards then ask the API. */
	readonly rows: Rows | undefined;
}

export class Grafana extends Construct {
	readonly workspace: CfnWorkspace;

	constructor(scope: Construct, id: string, { signIn, rows }: GrafanaProps) {
		super(scope, id);
		const role = new Role(this, "Role", {
			assumedBy: new ServicePrincipal("grafana.amazonaws.com", {
				conditions: { StringEquals: { "aws:SourceAccount": Aws.ACCOUNT_ID } },
			}),
			description: "What Grafana may read",
		});
		role.addToPolicy(
			new PolicyStatement({
				actions: [
					"cloudwatch:DescribeAlarms",
					"cloudwatch:DescribeAlarmsForMetric",
					"cloudwatch:GetMetricData",
					"cloudwatch:ListMetrics",
				],
				resources: ["*"],
			}),
		);
		rows?.timestream?.allowReading(role);
		acknowledgeWildcard(
			role,
			"*",
			"Metrics of CloudWatch, and which databases Timestream has, can be read as a whole or not at all.",
		);
		const influxDb = rows?.influxDb;
		this.workspace = new CfnWorkspace(this, "Workspace", {
			name: STACK_NAME,
			description: "Fleet, devices, health and ingest",
			accountAccessType: "CURRENT_ACCOUNT",
			authenticationProviders: [signIn === "sso" ? "AWS_SSO" : "SAML"],
			permissionType: "CUSTOMER_MANAGED",
			roleArn: role.roleArn,
			// The data source that reads our API is a plugin.
			pluginAdminEnabled: true,
			...(influxDb === undefined
				? {}
				: {
						vpcConfiguration: {
							securityGroupIds: [influxDb.clients.securityGroupId],
							subnetIds: influxDb.vpc.isolatedSubnets.map(
								({ subnetId }) => subnetId,
							),
						},
					}),
		});
		this.workspace.node.addDependency(role);
	}
}

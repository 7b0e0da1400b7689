/**
 * Device Defender's audit of the account's IoT settings: once a week, what AWS checks of certificates and policies. It is
 * charged by the device and month ($0.0011 in us-east-1). Detect, which watches each device's messages, is left out for
 * cost: refused connections are counted by IoT Core itself, and an alarm watches that.
 */
import { Stack, Validations } from "aws-cdk-lib";
import { ManagedPolicy, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
	CfnAccountAuditConfiguration,
	CfnScheduledAudit,
} from "aws-cdk-lib/aws-iot";
import type { Topic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { STACK_NAME } from "../names.ts";

/**
 * https://docs.aws.amazon.com/iot-device-defender/latest/devguide/device-defender-audit-checks.html: those that concern what
 * this stack has. Not those of Cognito identity pools, role aliases and CAs of one's own, which it has none of, nor whether
 * IoT's own logging is on, which is charged by the message.
 */
const CHECKS = {
	CONFLICTING_CLIENT_IDS_CHECK: "conflictingClientIdsCheck",
	DEVICE_CERTIFICATE_EXPIRING_CHECK: "deviceCertificateExpiringCheck",
	DEVICE_CERTIFICATE_KEY_QUALITY_CHECK: "deviceCertificateKeyQualityCheck",
	DEVICE_CERTIFICATE_SHARED_CHECK: "deviceCertificateSharedCheck",
	IOT_POLICY_OVERLY_PERMISSIVE_CHECK: "iotPolicyOverlyPermissiveCheck",
	IOT_POLICY_POTENTIAL_MISCONFIGURATION_CHECK:
		"ioTPolicyPotentialMisConfigurationCheck",
	REVOKED_DEVICE_CERTIFICATE_STILL_ACTIVE_CHECK:
		"revokedDeviceCertificateStillActiveCheck",
} as const satisfies Readonly<
	Record<
		string,
		keyof CfnAccountAuditConfiguration.AuditCheckConfigurationsProperty
	>
>;

export interface DeviceAuditProps {
	/** Told of what does not comply. */
	readonly alarms: Topic;
}

export class DeviceAudit extends Construct {
	constructor(scope: Construct, id: string, { alarms }: DeviceAuditProps) {
		super(scope, id);
		const stack = Stack.of(this);
		const auditRole = new Role(this, "Role", {
			assumedBy: new ServicePrincipal("iot.amazonaws.com"),
			description: "What Device Defender may look at",
			managedPolicies: [
				ManagedPolicy.fromAwsManagedPolicyName(
					"service-role/AWSIoTDeviceDefenderAudit",
				),
			],
		});
		Validations.of(auditRole).acknowledge({
			id: "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSIoTDeviceDefenderAudit]",
			reason:
				"It reads only, and AWS keeps it in step with the checks that it adds to the audit.",
		});
		const notifyRole = new Role(this, "NotifyRole", {
			assumedBy: new ServicePrincipal("iot.amazonaws.com"),
			description: "Lets Device Defender tell what it found",
		});
		alarms.grantPublish(notifyRole);
		const configuration = new CfnAccountAuditConfiguration(
			this,
			"Configuration",
			{
				accountId: stack.account,
				roleArn: auditRole.roleArn,
				auditCheckConfigurations: Object.fromEntries(
					Object.values(CHECKS).map((check) => [check, { enabled: true }]),
				),
				auditNotificationTargetConfigurations: {
					sns: {
						enabled: true,
						targetArn: alarms.topicArn,
						roleArn: notifyRole.roleArn,
					},
				},
			},
		);
		const audit = new CfnScheduledAudit(this, "Weekly", {
			scheduledAuditName: `${STACK_NAME}-weekly`,
			frequency: "WEEKLY",
			dayOfWeek: "MON",
			targetCheckNames: Object.keys(CHECKS),
		});
		audit.addResourceDependency(configuration);
	}
}

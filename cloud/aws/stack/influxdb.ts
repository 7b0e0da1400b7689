/**
 * Rows in Timestream for InfluxDB: an instance that runs all the time, in a network without a way in or out of AWS. No NAT
 * gateway ($33 a month each) is needed: what the function asks beside InfluxDB it reaches by endpoints.
 */
import { CfnDeletionPolicy, Validations } from "aws-cdk-lib";
import {
	GatewayVpcEndpointAwsService,
	InterfaceVpcEndpointAwsService,
	type IVpc,
	Peer,
	Port,
	SecurityGroup,
	SubnetType,
	Vpc,
} from "aws-cdk-lib/aws-ec2";
import type { Role } from "aws-cdk-lib/aws-iam";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { CfnInfluxDBInstance } from "aws-cdk-lib/aws-timestream";
import { Construct } from "constructs";
import { STACK_NAME } from "../names.ts";

const PORT = 8086;
const USER = "thinghz";
const ORGANIZATION = "thinghz";

export interface InfluxDbProps {
	readonly instanceType: string;
	readonly storageGib: number;
}

export class InfluxDb extends Construct {
	readonly vpc: IVpc;
	/** Of whoever writes and reads. */
	readonly clients: SecurityGroup;
	readonly secret: Secret;
	readonly url: string;
	/** InfluxDB 2 calls it a bucket. */
	readonly database = "readings";

	constructor(scope: Construct, id: string, props: InfluxDbProps) {
		super(scope, id);
		this.vpc = isolatedNetwork(this);
		this.clients = new SecurityGroup(this, "Clients", {
			vpc: this.vpc,
			description: "Writes rows to InfluxDB and reads them",
			allowAllOutbound: false,
		});
		const server = new SecurityGroup(this, "Server", {
			vpc: this.vpc,
			description: "InfluxDB",
			allowAllOutbound: false,
		});
		server.addIngressRule(this.clients, Port.tcp(PORT), "Rows");
		this.clients.addEgressRule(server, Port.tcp(PORT), "Rows");
		// The network has no route but to the endpoints; DynamoDB's has addresses that only a deployment knows.
		this.clients.addEgressRule(Peer.anyIpv4(), Port.tcp(443), "AWS endpoints");

		this.vpc.addGatewayEndpoint("DynamoDb", {
			service: GatewayVpcEndpointAwsService.DYNAMODB,
		});
		const endpointGroup = new SecurityGroup(this, "SecretsEndpoint", {
			vpc: this.vpc,
			description: "Endpoint of Secrets Manager",
			allowAllOutbound: false,
		});
		endpointGroup.addIngressRule(this.clients, Port.tcp(443), "Secrets");
		this.vpc.addInterfaceEndpoint("Secrets", {
			service: InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
			securityGroups: [endpointGroup],
			// For cost: $7.30 a month each. The function waits for the other zone's return, as rows can.
			subnets: { subnets: this.vpc.isolatedSubnets.slice(0, 1) },
			open: false,
		});

		this.secret = new Secret(this, "Secret", {
			secretName: `${STACK_NAME}/influxdb`,
			description:
				"InfluxDB's first user; a token may stand beside the password",
			generateSecretString: {
				secretStringTemplate: JSON.stringify({
					username: USER,
					organization: ORGANIZATION,
					bucket: this.database,
				}),
				generateStringKey: "password",
				excludePunctuation: true,
				passwordLength: 40,
			},
		});
		Validations.of(this.secret).acknowledge({
			id: "AwsSolutions-SMG4",
			reason:
				"InfluxDB takes the first user's password once, when the instance is made; docs/aws.md says how to replace it.",
		});
		const instance = new CfnInfluxDBInstance(this, "Instance", {
			name: STACK_NAME,
			dbInstanceType: props.instanceType,
			dbStorageType: "InfluxIOIncludedT1",
			allocatedStorage: props.storageGib,
			// For cost: a standby doubles the price. The blocks stay whatever happens here, and rows can be made of them again.
			deploymentType: "SINGLE_AZ",
			publiclyAccessible: false,
			port: PORT,
			vpcSubnetIds: this.vpc.isolatedSubnets.map(({ subnetId }) => subnetId),
			vpcSecurityGroupIds: [server.securityGroupId],
			username: USER,
			password: this.secret.secretValueFromJson("password").unsafeUnwrap(),
			organization: ORGANIZATION,
			bucket: this.database,
		});
		instance.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN;
		instance.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
		this.url = `https://${instance.attrEndpoint}:${PORT}`;
	}

	/** @param role of a function that is in the network, among `clients` */
	allowReadingSecret(role: Role): void {
		this.secret.grantRead(role);
	}
}

function isolatedNetwork(scope: Construct): IVpc {
	const vpc = new Vpc(scope, "Network", {
		natGateways: 0,
		maxAzs: 2,
		subnetConfiguration: [
			{ name: "isolated", subnetType: SubnetType.PRIVATE_ISOLATED },
		],
		// Nothing is in that group; to empty it takes a function of CDK's own.
		restrictDefaultSecurityGroup: false,
	});
	Validations.of(vpc).acknowledge({
		id: "AwsSolutions-VPC7",
		reason:
			"For cost: the network has no route to the internet, and one function and one database in it.",
	});
	// CDK's own type of a network is no `IVpc` under exactOptionalPropertyTypes.
	return vpc as IVpc;
}

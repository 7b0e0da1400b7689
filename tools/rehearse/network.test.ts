import assert from "node:assert/strict";
import { Network, type NetworkPlace } from "./network.ts";
import { Template } from "./template.ts";

const FUNCTION: NetworkPlace = {
	subnetIds: ["subnet-one"],
	groupIds: ["sg-clients"],
};
const SERVER: NetworkPlace = {
	subnetIds: ["subnet-two"],
	groupIds: ["sg-server"],
};

function resource(type: string, properties: object): object {
	return { Type: `AWS::EC2::${type}`, Properties: properties };
}

/** Clients may go to the server's port and to anywhere by HTTPS; the server and the endpoint let them in. */
function network(changes: Readonly<Record<string, object>> = {}): Network {
	const rule = (port: number) => ({
		IpProtocol: "tcp",
		FromPort: port,
		ToPort: port,
	});
	return new Network(
		new Template({
			Resources: {
				Vpc: resource("VPC", {}),
				One: resource("Subnet", { VpcId: { Ref: "Vpc" } }),
				Two: resource("Subnet", { VpcId: { Ref: "Vpc" } }),
				Table: resource("RouteTable", {}),
				Routes: resource("SubnetRouteTableAssociation", {
					SubnetId: { Ref: "One" },
					RouteTableId: { Ref: "Table" },
				}),
				Clients: resource("SecurityGroup", {
					SecurityGroupEgress: [{ ...rule(443), CidrIp: "0.0.0.0/0" }],
				}),
				Server: resource("SecurityGroup", {}),
				Endpoint: resource("SecurityGroup", {
					SecurityGroupIngress: [
						{
							...rule(443),
							SourceSecurityGroupId: { "Fn::GetAtt": ["Clients", "GroupId"] },
						},
					],
				}),
				Out: resource("SecurityGroupEgress", {
					...rule(8086),
					GroupId: { "Fn::GetAtt": ["Clients", "GroupId"] },
					DestinationSecurityGroupId: { "Fn::GetAtt": ["Server", "GroupId"] },
				}),
				In: resource("SecurityGroupIngress", {
					...rule(8086),
					GroupId: { "Fn::GetAtt": ["Server", "GroupId"] },
					SourceSecurityGroupId: { "Fn::GetAtt": ["Clients", "GroupId"] },
				}),
				Gateway: resource("VPCEndpoint", {
					ServiceName: "com.amazonaws.eu-central-1.dynamodb",
					VpcEndpointType: "Gateway",
					RouteTableIds: [{ Ref: "Table" }],
				}),
				Interface: resource("VPCEndpoint", {
					ServiceName: "com.amazonaws.eu-central-1.secretsmanager",
					VpcEndpointType: "Interface",
					PrivateDnsEnabled: true,
					SubnetIds: [{ Ref: "Two" }],
					SecurityGroupIds: [{ "Fn::GetAtt": ["Endpoint", "GroupId"] }],
				}),
				...changes,
			},
		}),
	);
}

describe("A function in a VPC", () => {
	it("reaches what its groups let out and the other side's let in", () => {
		assert.ok(network().reachesServer(FUNCTION, SERVER, 8086));
		assert.ok(network().reachesService(FUNCTION, "dynamodb"));
		assert.ok(network().reachesService(FUNCTION, "secretsmanager"));
	});

	it("reaches no service without an endpoint, which one in no VPC does", () => {
		assert.equal(network().reachesService(FUNCTION, "sqs"), false);
		assert.ok(network().reachesService(null, "sqs"));
	});

	it("is not reached for one in no VPC, nor at another port", () => {
		assert.equal(network().reachesServer(null, SERVER, 8086), false);
		assert.equal(network().reachesServer(FUNCTION, SERVER, 8088), false);
	});

	const nothing = resource("RouteTable", {});
	for (const [what, changes, reaches] of [
		["its groups let nothing out", { Out: nothing }, "server"],
		["the server's let nothing in", { In: nothing }, "server"],
		[
			"the server is in another VPC",
			{
				Two: resource("Subnet", { VpcId: "vpc-other" }),
			},
			"server",
		],
		["no route leads to the gateway", { Routes: nothing }, "dynamodb"],
		[
			"its groups let no HTTPS out",
			{ Clients: resource("SecurityGroup", {}) },
			"dynamodb",
		],
		[
			"the endpoint's groups let nothing in",
			{ Endpoint: resource("SecurityGroup", {}) },
			"secretsmanager",
		],
		[
			"the endpoint has a name of its own alone",
			{
				Interface: resource("VPCEndpoint", {
					ServiceName: "com.amazonaws.eu-central-1.secretsmanager",
					PrivateDnsEnabled: false,
					SubnetIds: [{ Ref: "Two" }],
					SecurityGroupIds: [{ "Fn::GetAtt": ["Endpoint", "GroupId"] }],
				}),
			},
			"secretsmanager",
		],
	] as const) {
		it(`does not reach it when ${what}`, () => {
			const made = network(changes);
			assert.equal(
				reaches === "server"
					? made.reachesServer(FUNCTION, SERVER, 8086)
					: made.reachesService(FUNCTION, reaches),
				false,
			);
		});
	}
});

/**
 * What functions in a VPC reach: nothing but what their security groups let out and the other side's let in, and of AWS what
 * has an endpoint there. No route leads out of our networks, so none is looked for.
 * https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html,
 * https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html, …/gateway-endpoints.html
 */
import {
	isObject,
	type Json,
	listIn,
	numberIn,
	textIn,
	textsIn,
} from "./json.ts";
import type { Resource, Template } from "./template.ts";

/** Where a function or a server is. */
export interface NetworkPlace {
	readonly subnetIds: readonly string[];
	readonly groupIds: readonly string[];
}

interface SecurityRule {
	readonly groupId: string;
	/** Of another security group or, as CIDR, of addresses. */
	readonly peer: string;
	readonly fromPort: number;
	readonly toPort: number;
}

const HTTPS = 443;
const ANYWHERE = "0.0.0.0/0";

/** @param properties of something that has subnets and security groups; null when it is in no VPC */
export function placeOf(
	subnets: unknown,
	groups: unknown,
	what: string,
): NetworkPlace | null {
	const subnetIds = textsIn(subnets, what);
	return subnetIds.length === 0
		? null
		: { subnetIds, groupIds: textsIn(groups, what) };
}

export class Network {
	readonly #template: Template;
	readonly #egress: readonly SecurityRule[];
	readonly #ingress: readonly SecurityRule[];

	constructor(template: Template) {
		this.#template = template;
		this.#egress = readRules(template, "Egress", "Destination");
		this.#ingress = readRules(template, "Ingress", "Source");
	}

	/**
	 * @param from null: in no VPC, where all of AWS is reached
	 * @param service as in the names of endpoints: "dynamodb"
	 */
	reachesService(from: NetworkPlace | null, service: string): boolean {
		if (from === null) return true;
		return this.#template
			.ofType("AWS::EC2::VPCEndpoint")
			.map((resource) => this.#template.properties(resource))
			.filter(({ ServiceName }) =>
				textIn(ServiceName, "ServiceName").endsWith(`.${service}`),
			)
			.some((endpoint) =>
				endpoint.VpcEndpointType === "Gateway"
					? this.#reachesGateway(from, endpoint)
					: this.#reachesInterface(from, endpoint),
			);
	}

	/** @param to a server that is not reached from the internet */
	reachesServer(
		from: NetworkPlace | null,
		to: NetworkPlace,
		port: number,
	): boolean {
		return (
			from !== null &&
			this.#vpcOf(from.subnetIds) === this.#vpcOf(to.subnetIds) &&
			allows(this.#egress, from.groupIds, to.groupIds, port) &&
			allows(this.#ingress, to.groupIds, from.groupIds, port)
		);
	}

	/** By the route tables of all subnets; its addresses are AWS's, which no group stands for. */
	#reachesGateway(from: NetworkPlace, endpoint: Json): boolean {
		const tables = textsIn(endpoint.RouteTableIds, "RouteTableIds");
		const routed = this.#template
			.ofType("AWS::EC2::SubnetRouteTableAssociation")
			.map((resource) => this.#template.properties(resource))
			.filter(({ RouteTableId }) => tables.includes(String(RouteTableId)))
			.map(({ SubnetId }) => String(SubnetId));
		return (
			from.subnetIds.every((subnet) => routed.includes(subnet)) &&
			allows(this.#egress, from.groupIds, [], HTTPS)
		);
	}

	/** The SDK asks for the service by its public name: without private DNS that is not the endpoint. */
	#reachesInterface(from: NetworkPlace, endpoint: Json): boolean {
		const to = placeOf(
			endpoint.SubnetIds,
			endpoint.SecurityGroupIds,
			"An endpoint",
		);
		return (
			to !== null &&
			endpoint.PrivateDnsEnabled === true &&
			this.reachesServer(from, to, HTTPS)
		);
	}

	#vpcOf(subnetIds: readonly string[]): string | null {
		const subnet = this.#template
			.ofType("AWS::EC2::Subnet")
			.find((resource) => subnetIds.includes(this.#template.ref(resource)));
		return subnet === undefined
			? null
			: textIn(this.#template.properties(subnet).VpcId, subnet.id);
	}
}

function allows(
	rules: readonly SecurityRule[],
	groupIds: readonly string[],
	peers: readonly string[],
	port: number,
): boolean {
	return rules.some(
		({ groupId, peer, fromPort, toPort }) =>
			groupIds.includes(groupId) &&
			(peer === ANYWHERE || peers.includes(peer)) &&
			fromPort <= port &&
			port <= toPort,
	);
}

/** Those within the groups, and those that are resources of their own. */
function readRules(
	template: Template,
	direction: "Egress" | "Ingress",
	side: "Destination" | "Source",
): readonly SecurityRule[] {
	const read = (rule: unknown, groupId: string): readonly SecurityRule[] => {
		if (!isObject(rule)) return [];
		const peer = rule[`${side}SecurityGroupId`] ?? rule.CidrIp;
		const isAll = rule.IpProtocol === "-1";
		if (peer === undefined || (rule.IpProtocol !== "tcp" && !isAll)) return [];
		return [
			{
				groupId,
				peer: textIn(peer, groupId),
				fromPort: isAll ? 0 : numberIn(rule.FromPort, groupId),
				toPort: isAll ? 65_535 : numberIn(rule.ToPort, groupId),
			},
		];
	};
	const within = (group: Resource) =>
		listIn(
			template.properties(group)[`SecurityGroup${direction}`],
			group.id,
		).flatMap((rule) => read(rule, template.ref(group)));
	return [
		...template.ofType("AWS::EC2::SecurityGroup").flatMap(within),
		...template.ofType(`AWS::EC2::SecurityGroup${direction}`).flatMap((one) => {
			const rule = template.properties(one);
			return read(rule, textIn(rule.GroupId, one.id));
		}),
	];
}

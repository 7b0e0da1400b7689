/**
 * Which addresses may be called on somebody's behalf. A webhook's address, and a push subscription's, are given by
 * whoever may make them; the cloud must not be made to call for them what only it can reach (server-side request
 * forgery).
 */
import { BlockList } from "node:net";

/**
 * "any": but for link-local addresses, where clouds keep their machines' credentials, and what is no host. On one
 * machine a webhook's receiver is most often a neighbour or the machine itself.
 * "public": addresses of the Internet only.
 */
export type Reach = "any" | "public";

/** RFC 6890 and its registries, as far as they are never a host of somebody; and where EC2 answers by IPv6. */
const NEVER: readonly string[] = [
	"0.0.0.0/8",
	"169.254.0.0/16",
	"224.0.0.0/4",
	"240.0.0.0/4",
	"::/128",
	"fe80::/10",
	"ff00::/8",
	"fd00:ec2::/32",
];

/** Private, shared and loopback addresses, and those that carry an IPv4 address that may be one (NAT64, 6to4, Teredo). */
const NOT_PUBLIC: readonly string[] = [
	"10.0.0.0/8",
	"100.64.0.0/10",
	"127.0.0.0/8",
	"172.16.0.0/12",
	"192.0.0.0/24",
	"192.0.2.0/24",
	"192.168.0.0/16",
	"198.18.0.0/15",
	"198.51.100.0/24",
	"203.0.113.0/24",
	"::1/128",
	"64:ff9b::/96",
	"64:ff9b:1::/48",
	"2001::/32",
	"2002::/16",
	"fc00::/7",
	"fec0::/10",
];

function listOf(networks: readonly string[]): BlockList {
	const list = new BlockList();
	for (const network of networks) {
		const [address = "", bits] = network.split("/");
		const family = address.includes(":") ? "ipv6" : "ipv4";
		list.addSubnet(address, Number(bits), family);
	}
	return list;
}

const REFUSED: Readonly<Record<Reach, BlockList>> = {
	any: listOf(NEVER),
	public: listOf([...NEVER, ...NOT_PUBLIC]),
};

/** Whether an address (an IPv6 one without brackets) may be called. IPv4 in IPv6 (::ffff:0:0/96) counts as IPv4. */
export function mayCall(address: string, reach: Reach): boolean {
	const family = address.includes(":") ? "ipv6" : "ipv4";
	return !REFUSED[reach].check(address, family);
}

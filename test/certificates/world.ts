/** Authorities and servers for chains: a sound one, of which a case changes what it is about. */
import type { KeyObject } from "node:crypto";
import { type Bytes, integer } from "./der-writer.ts";
import {
	algorithmOf,
	basicConstraints,
	type Changes,
	commonName,
	type Draft,
	dns,
	ecKeys,
	extendedKeyUsage,
	type Keys,
	keyUsage,
	Purpose,
	rsaKeys,
	signWith,
	subjectAltName,
	Usage,
	validity,
	write,
} from "./writer.ts";

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;

export const HOST = "broker.example.com";

/** What a node is given: what the server sent, and what it holds itself. */
export interface Chain {
	readonly certificates: readonly Bytes[];
	readonly anchors: readonly Bytes[];
	readonly host: string;
	readonly nowMs: number | undefined;
	/** The server's, to speak TLS with. */
	readonly key: KeyObject;
}

/** Who signs. */
export interface Issuer {
	readonly name: Bytes;
	readonly keys: Keys;
}

let serial = 1000;

export class World {
	/** The same for all that is made here, at a whole second. */
	readonly nowMs = Math.floor(Date.now() / 1000) * 1000;
	readonly rsa = {
		root: rsaKeys(),
		intermediate: rsaKeys(),
		leaf: rsaKeys(),
	};
	readonly ec = { root: ecKeys(), intermediate: ecKeys(), leaf: ecKeys() };
	readonly stranger = ecKeys();
	readonly root: Issuer = { name: commonName("Root"), keys: this.ec.root };
	readonly intermediate: Issuer = {
		name: commonName("Intermediate"),
		keys: this.ec.intermediate,
	};

	readonly times = {
		past: this.nowMs - 2 * YEAR_MS,
		yesterday: this.nowMs - DAY_MS,
		tomorrow: this.nowMs + DAY_MS,
		future: this.nowMs + 2 * YEAR_MS,
	};

	draft(issuer: Issuer, keys: Keys, changes: Changes): Draft {
		const algorithm = algorithmOf(issuer.keys);
		const hash = changes.hash ?? algorithm.hash;
		return {
			version: 3,
			serial: integer(serial++),
			inner: changes.outer ?? algorithm.identifier,
			outer: changes.inner ?? algorithm.identifier,
			hash,
			issuer: issuer.name,
			validity: validity(this.times.yesterday, this.times.tomorrow),
			subject: commonName(HOST),
			publicKey: keys.publicKey,
			extensions: [],
			signer: issuer.keys.privateKey,
			tamper: (signed) => signed,
			signature: signWith(hash, changes.signer ?? issuer.keys.privateKey),
			...changes,
		};
	}

	authority(issuer: Issuer, subject: Issuer, changes: Changes = {}): Bytes {
		return write(
			this.draft(issuer, subject.keys, {
				subject: subject.name,
				extensions: [basicConstraints(true), keyUsage(Usage.CERTIFY)],
				...changes,
			}),
		);
	}

	server(
		issuer: Issuer,
		changes: Changes = {},
		keys: Keys = this.ec.leaf,
	): Bytes {
		return write(
			this.draft(issuer, keys, {
				extensions: [
					basicConstraints(false),
					keyUsage(Usage.SIGN),
					extendedKeyUsage(Purpose.SERVER, Purpose.CLIENT),
					subjectAltName(dns(HOST)),
				],
				...changes,
			}),
		);
	}

	/** Server, intermediate and pinned root, with changes to any of them. */
	chain(
		changes: {
			readonly leaf?: Changes;
			readonly intermediate?: Changes;
			readonly root?: Changes;
			readonly host?: string;
			readonly nowMs?: number | undefined;
		} = {},
	): Chain {
		return {
			nowMs: this.nowMs,
			host: HOST,
			...changes,
			key: this.ec.leaf.privateKey,
			certificates: [
				this.server(this.intermediate, changes.leaf),
				this.authority(this.root, this.intermediate, changes.intermediate),
			],
			anchors: [this.authority(this.root, this.root, changes.root)],
		};
	}

	/** The same in RSA. */
	rsaChain(
		leaf: Changes = {},
		intermediate: Changes = {},
		keys: Keys = this.rsa.leaf,
	): Chain {
		const root = { name: commonName("RSA Root"), keys: this.rsa.root };
		const middle = {
			name: commonName("RSA Intermediate"),
			keys: this.rsa.intermediate,
		};
		return {
			nowMs: this.nowMs,
			host: HOST,
			key: keys.privateKey,
			certificates: [
				this.server(middle, leaf, keys),
				this.authority(root, middle, intermediate),
			],
			anchors: [this.authority(root, root)],
		};
	}

	/** A server that has these names, under the intermediate. */
	named(names: readonly Bytes[], host: string): Chain {
		return this.chain({
			host,
			leaf: { extensions: [subjectAltName(...names)] },
		});
	}

	/** An authority of another name, with the intermediate's key. */
	other(name: string, keys: Keys = this.ec.intermediate): Issuer {
		return { name: commonName(name), keys };
	}
}

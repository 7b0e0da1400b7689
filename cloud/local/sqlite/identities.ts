/** Certificates in the database: those in force, those that wait for their device, and who may become what by one. */
import type { Claim } from "../../core/claims.ts";
import type { DeviceCertificate } from "../../core/ports.ts";
import {
	MAX_PENDING_CERTIFICATES,
	type PendingCertificate,
} from "../../core/provisioning/ports.ts";
import type { Connection, SqlRow } from "./connection.ts";

/** In place of a thing's name, which is never empty. */
const NO_THING = "";

export interface IdentityWrites {
	addCertificate(certificate: DeviceCertificate): void;
	revokeCertificate(certificateId: string): void;
	addPending(pending: PendingCertificate, nowMs: number): void;
	/** @returns false when it is not there, has expired or is of another id, or the one by which it is asked is not in force */
	redeemPending(
		tokenHash: string,
		certificate: DeviceCertificate,
		askedWith: string,
		nowMs: number,
	): boolean;
	allowClaim(name: string, allowedMs: number): void;
	/** @returns false when it is not allowed or has been claimed */
	takeClaim(name: string, claimedMs: number): boolean;
	/** @returns false when it was not allowed */
	removeClaim(name: string): boolean;
}

export interface IdentityReads {
	certificate(certificateId: string): DeviceCertificate | null;
	certificatesOf(thing: string): readonly DeviceCertificate[];
	claimCertificates(): readonly DeviceCertificate[];
	pending(tokenHash: string, nowMs: number): PendingCertificate | null;
	claim(name: string): Claim | null;
	claims(limit: number, after: string): readonly Claim[];
}

export class IdentityWriter implements IdentityWrites {
	readonly #db: Connection;

	constructor(db: Connection) {
		this.#db = db;
	}

	addCertificate(certificate: DeviceCertificate): void {
		this.#run(
			"INSERT INTO certificates (certificate_id, thing, status, created_ms, replaces) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			[
				certificate.certificateId,
				certificate.thing ?? NO_THING,
				certificate.status,
				certificate.createdMs,
				certificate.replaces ?? null,
			],
		);
	}

	revokeCertificate(certificateId: string): void {
		this.#run(
			"UPDATE certificates SET status = 'REVOKED' WHERE certificate_id = ?",
			[certificateId],
		);
	}

	addPending(pending: PendingCertificate, nowMs: number): void {
		const { tokenHash, certificateId, expiresMs } = pending;
		this.#run("DELETE FROM pending_certificates WHERE expires_ms <= ?", [
			nowMs,
		]);
		this.#run(
			"INSERT INTO pending_certificates (token_hash, certificate_id, expires_ms) VALUES (?, ?, ?)",
			[tokenHash, certificateId, expiresMs],
		);
		this.#run(
			"DELETE FROM pending_certificates WHERE token_hash IN " +
				"(SELECT token_hash FROM pending_certificates ORDER BY expires_ms DESC LIMIT -1 OFFSET ?)",
			[MAX_PENDING_CERTIFICATES],
		);
	}

	redeemPending(
		tokenHash: string,
		certificate: DeviceCertificate,
		askedWith: string,
		nowMs: number,
	): boolean {
		const isTaken = this.#run(
			"DELETE FROM pending_certificates WHERE token_hash = ? AND certificate_id = ? AND expires_ms > ? " +
				"AND EXISTS (SELECT 1 FROM certificates WHERE certificate_id = ? AND status = 'ACTIVE')",
			[tokenHash, certificate.certificateId, nowMs, askedWith],
		);
		if (isTaken) this.addCertificate(certificate);
		return isTaken;
	}

	allowClaim(name: string, allowedMs: number): void {
		this.#run(
			"INSERT INTO claims (name, allowed_ms, claimed_ms) VALUES (?, ?, NULL) " +
				"ON CONFLICT DO UPDATE SET allowed_ms = excluded.allowed_ms, claimed_ms = NULL",
			[name, allowedMs],
		);
	}

	takeClaim(name: string, claimedMs: number): boolean {
		return this.#run(
			"UPDATE claims SET claimed_ms = ? WHERE name = ? AND claimed_ms IS NULL",
			[claimedMs, name],
		);
	}

	removeClaim(name: string): boolean {
		return this.#run("DELETE FROM claims WHERE name = ?", [name]);
	}

	/** @returns whether it changed anything */
	#run(sql: string, parameters: readonly (string | number | null)[]): boolean {
		return this.#db.statement(sql).run(parameters).changes > 0;
	}
}

const CERTIFICATE =
	"SELECT certificate_id, thing, status, created_ms, replaces FROM certificates";
const CLAIM = "SELECT name, allowed_ms, claimed_ms FROM claims";

export class IdentityReader implements IdentityReads {
	readonly #db: Connection;

	constructor(db: Connection) {
		this.#db = db;
	}

	certificate(certificateId: string): DeviceCertificate | null {
		const row = this.#db
			.statement(`${CERTIFICATE} WHERE certificate_id = ?`)
			.get([certificateId]);
		return row === undefined ? null : toCertificate(row);
	}

	certificatesOf(thing: string): readonly DeviceCertificate[] {
		return thing === NO_THING ? [] : this.#certificates(thing);
	}

	claimCertificates(): readonly DeviceCertificate[] {
		return this.#certificates(NO_THING);
	}

	pending(tokenHash: string, nowMs: number): PendingCertificate | null {
		const row = this.#db
			.statement(
				"SELECT certificate_id, expires_ms FROM pending_certificates WHERE token_hash = ? AND expires_ms > ?",
			)
			.get([tokenHash, nowMs]);
		if (row === undefined) return null;
		return {
			tokenHash,
			certificateId: String(row[0]),
			expiresMs: Number(row[1]),
		};
	}

	claim(name: string): Claim | null {
		const row = this.#db.statement(`${CLAIM} WHERE name = ?`).get([name]);
		return row === undefined ? null : toClaim(row);
	}

	claims(limit: number, after: string): readonly Claim[] {
		return this.#db
			.statement(`${CLAIM} WHERE name > ? ORDER BY name LIMIT ?`)
			.all([after, limit])
			.map(toClaim);
	}

	#certificates(thing: string): readonly DeviceCertificate[] {
		return this.#db
			.statement(
				`${CERTIFICATE} WHERE thing = ? ORDER BY created_ms, certificate_id`,
			)
			.all([thing])
			.map(toCertificate);
	}
}

function toCertificate(row: SqlRow): DeviceCertificate {
	const [certificateId, thing, status, createdMs, replaces = null] = row;
	return {
		certificateId: String(certificateId),
		thing: thing === NO_THING ? null : String(thing),
		status: status === "ACTIVE" ? "ACTIVE" : "REVOKED",
		createdMs: Number(createdMs),
		...(replaces === null ? {} : { replaces: String(replaces) }),
	};
}

function toClaim(row: SqlRow): Claim {
	const [name, allowedMs, claimedMs = null] = row;
	return {
		name: String(name),
		allowedMs: Number(allowedMs),
		claimedMs: claimedMs === null ? null : Number(claimedMs),
	};
}

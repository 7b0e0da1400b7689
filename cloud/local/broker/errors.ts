/** Why a broker could not be started. */
export type BrokerErrorCode =
	/** Something else listens there. */
	| "port_in_use"
	/** The address or port may not be used by this process, or is not this machine's. */
	| "cannot_listen"
	/** Key and certificate cannot serve TLS. */
	| "bad_tls_identity";

/** `message` says what is wrong and how to mend it. */
export class BrokerError extends Error {
	override readonly name = "BrokerError";
	readonly code: BrokerErrorCode;

	constructor(code: BrokerErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}

/** Why a connection was refused or dropped by the broker: names for logs and counters. */
export type DropReason =
	| "tls_failed"
	/** It went before it was let in. */
	| "client_gone"
	| "unknown_certificate"
	| "revoked_certificate"
	| "wrong_client_id"
	| "forbidden_will"
	| "forbidden_publish"
	| "retained_publish"
	| "qos2_publish"
	| "connect_expected"
	| "malformed_packet"
	| "packet_too_large"
	| "session_error"
	| "store_failed"
	| "taken_over"
	| "keep_alive"
	| "slow_reader"
	| "shutting_down";

/** The TLS side of the broker: who may speak at all, and where it listens. */
import { constants } from "node:crypto";
import { createServer, type Server } from "node:tls";
import { BrokerError } from "./errors.ts";

const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * A TLS server that asks clients for a certificate of the authority. It ends the handshake whatever they show: whoever
 * takes its connections has to ask `judgeCertificate` before anything else.
 * @throws BrokerError bad_tls_identity
 */
export function makeServer(tls: {
	readonly key: string;
	readonly cert: string;
	readonly ca: string;
}): Server {
	try {
		return createServer({
			key: tls.key,
			cert: tls.cert,
			ca: tls.ca,
			requestCert: true,
			rejectUnauthorized: false,
			minVersion: "TLSv1.2",
			handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
			// As AWS IoT; and a resumed session would pass by the check of the client's certificate.
			secureOptions: constants.SSL_OP_NO_TICKET,
		});
	} catch (cause) {
		throw new BrokerError(
			"bad_tls_identity",
			"The server's key and certificate cannot be used for TLS. Delete server.pem and server-private.pem from the data folder's ca/ and start again: they are made anew.",
			{ cause },
		);
	}
}

/** @throws BrokerError port_in_use, cannot_listen */
export async function listen(
	server: Server,
	host: string,
	port: number,
): Promise<void> {
	try {
		await new Promise<void>((resolve, reject) => {
			server.once("error", reject);
			server.listen(port, host, () => {
				server.off("error", reject);
				resolve();
			});
		});
	} catch (cause) {
		throw listenError(cause, host, port);
	}
}

function listenError(cause: unknown, host: string, port: number): BrokerError {
	const code = cause instanceof Error && "code" in cause ? cause.code : null;
	if (code === "EADDRINUSE") {
		return new BrokerError(
			"port_in_use",
			`Port ${port} on ${host} is in use: another broker or a second \`thinghz up\` listens there. Stop it, or choose another port with --mqtt-port.`,
			{ cause },
		);
	}
	return new BrokerError(
		"cannot_listen",
		`Cannot listen on ${host}, port ${port} (${String(code ?? cause)}). Choose another with --host and --mqtt-port; ports below 1024 need privileges.`,
		{ cause },
	);
}

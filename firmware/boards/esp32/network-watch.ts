/** How far a connection has come, as its layers tell; from where it ended follows why. */
import type { OfflineReason } from "../../node/ports.ts";

/** What the connection is waiting for. */
export type Stage =
	| "name_lookup"
	| "tcp"
	| "tls"
	/** CONNACK */
	| "login"
	| "connected"
	| "ended";

/** Handed to all layers in their options, which Moddable's classes pass on to the layer below. */
export interface ConnectionWatch {
	stage: Stage;
	/** The other side, or the network, has ended the TCP connection. */
	socketEnded: boolean;
	/** Of a CONNACK that refused; 0 for none. */
	returnCode: number;
	/** A layer threw: the connection cannot go on. What is thrown into the socket's own callbacks would end the machine. */
	onFault(error: unknown): void;
}

/**
 * Why a connection has ended that ended by itself at this stage. Moddable's MQTT client says only that it has: a connection
 * on which nothing was heard is one that ended while the socket was still there.
 */
export function endReason(
	watch: Pick<ConnectionWatch, "stage" | "socketEnded" | "returnCode">,
): OfflineReason {
	switch (watch.stage) {
		case "name_lookup":
			return "name_lookup";
		case "tcp":
			return watch.socketEnded ? "tcp" : "timeout";
		case "tls":
			return watch.socketEnded ? "tls" : "timeout";
		case "login":
			// MQTT 3.1.1, section 3.2.2.3: 4 and 5 are about credentials. Brokers close on a CONNECT that they do not like.
			if (watch.returnCode === 0) return watch.socketEnded ? "auth" : "timeout";
			return watch.returnCode === 4 || watch.returnCode === 5
				? "auth"
				: "refused";
		case "connected":
			return watch.socketEnded ? "closed" : "timeout";
		case "ended":
			return "stopped";
	}
}

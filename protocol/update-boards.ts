/** By which of its two ways the image of an update comes to a board, and so what a job's document names. */

/**
 * Those with memory for a TLS session beside the node's, and for a document with two presigned addresses: AWS IoT puts a role's session
 * token, often 1,000 characters and more, into each. Any other board takes images by MQTT streams, also one that is not known here: our
 * firmware can on all.
 */
const FETCHING_BOARDS = Object.freeze(["virtual"]);

export function fetchesUpdates(board: string): boolean {
	return FETCHING_BOARDS.includes(board);
}

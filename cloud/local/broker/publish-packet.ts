/** Where the parts of a PUBLISH packet lie (MQTT 3.1.1, 3.3), found without making an object for each. */
import type { DropReason } from "./errors.ts";
import { type FrameReader, MAX_PAYLOAD_BYTES } from "./frames.ts";

export class PublishPacket {
	isRetained = false;
	topicStart = 0;
	topicEnd = 0;
	/** 0 for QoS 0: there is nothing to acknowledge. */
	packetId = 0;
	/** The payload goes on to the end of the packet. */
	payloadStart = 0;

	/** Reads the packet that `frame` stands at. @returns why it may not be, or null */
	read(frame: FrameReader): DropReason | null {
		const { buffer, start, body, end } = frame;
		const flags = buffer[start] ?? 0;
		const qos = (flags >> 1) & 3;
		if (qos === 3) return "malformed_packet";
		// AWS IoT Core has no QoS 2 and closes the connection.
		if (qos === 2) return "qos2_publish";
		this.isRetained = (flags & 1) !== 0;
		this.topicStart = body + 2;
		if (this.topicStart > end) return "malformed_packet";
		this.topicEnd = this.topicStart + buffer.readUInt16BE(body);
		this.payloadStart = qos === 0 ? this.topicEnd : this.topicEnd + 2;
		if (this.payloadStart > end) return "malformed_packet";
		this.packetId = qos === 0 ? 0 : buffer.readUInt16BE(this.topicEnd);
		// 2.3.1-1: a packet id is never 0.
		if (qos === 1 && this.packetId === 0) return "malformed_packet";
		return end - this.payloadStart > MAX_PAYLOAD_BYTES
			? "packet_too_large"
			: null;
	}
}

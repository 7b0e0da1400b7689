/** Addresses of e-mail that are safe to put into a command and a header as they are. */

/**
 * One address, `local@domain` (RFC 5321 section 4.1.2, without quoted strings and address literals): nothing of it can end
 * a header, add a recipient or name a display name. 254 characters at most (section 4.5.3.1.3, less the brackets).
 */
export function isEmailAddress(text: string): boolean {
	return (
		text.length <= 254 &&
		/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/.test(
			text,
		)
	);
}

/**
 * A CloudFront Function (JavaScript runtime 2.0): the page's session is a cookie that no script can read, and the HTTP
 * API's authorizer takes a bearer token. A program's own Authorization header stays as it is.
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html
 */
// biome-ignore lint/correctness/noUnusedVariables: CloudFront calls it by its name.
function handler(event) {
	const request = event.request;
	const cookie = request.cookies.thinghz_session;
	if (cookie !== undefined && request.headers.authorization === undefined) {
		request.headers.authorization = { value: `Bearer ${cookie.value}` };
	}
	return request;
}

// A CloudFront Function (cloudfront-js-2.0, viewer request) that tells the origin whose address a request is from, whatever
// the client wrote there itself: docs/edge.md. The origin believes it behind the edge's secret alone (ED-02).
function handler(event) {
  const request = event.request;
  request.headers['x-wardgate-viewer-address'] = { value: event.viewer.ip };
  return request;
}

// Sends pulses by gRPC as a service should: ids made once, kept through every retry, amounts as decimals.
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	mathrand "math/rand/v2"
	"os"
	"time"

	metering "example.com/apura/send-pulses/generated/apura/metering/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const (
	batchSize   = 500
	callTimeout = 10 * time.Second
	retryFirst  = 100 * time.Millisecond
	retryMax    = 10 * time.Second
)

func main() {
	target := flag.String("target", "localhost:8081", "host:port of the gRPC port")
	tenant := flag.String("tenant", "", "whose consumption it is; empty with an API key of a tenant")
	sku := flag.String("sku", "example.go", "what was consumed")
	count := flag.Int("count", 10, "how many pulses")
	flag.Parse()

	// Without TLS, for a server on this machine; elsewhere credentials.NewTLS.
	connection, err := grpc.NewClient(*target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	client := metering.NewPulseServiceClient(connection)
	ctx := metadata.AppendToOutgoingContext(context.Background(),
		"authorization", "Bearer "+os.Getenv("APURA_TOKEN"))

	var accepted, rejected int
	for start := 0; start < *count; start += batchSize {
		var pulses []*metering.Pulse
		for n := start; n < min(start+batchSize, *count); n++ {
			pulses = append(pulses, &metering.Pulse{
				Id:         newID(),
				Source:     "example-go",
				Tenant:     *tenant,
				ProductSku: *sku,
				// A text, so that no digit is lost: 0.1, 0.2, 0.3, …
				UsedAmount: fmt.Sprintf("%d.%d", (n+1)/10, (n+1)%10),
				UseUnity:   "call",
				OccurredAt: timestamppb.Now(),
				Attributes: map[string]string{"language": "go"},
			})
		}
		results, err := send(ctx, client, pulses)
		if err != nil {
			log.Fatal(err)
		}
		for n, result := range results {
			if result.Status == metering.PulseStatus_PULSE_STATUS_ACCEPTED {
				accepted++
				continue
			}
			rejected++
			log.Printf("%s was rejected: %s", pulses[n].Id, result.Code)
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]int{
		"accepted": accepted, "rejected": rejected,
	}); err != nil {
		log.Fatal(err)
	}
}

// send sends the same pulses with the same ids until the server says what became of them: each counts
// once, however often it is sent.
func send(
	ctx context.Context, client metering.PulseServiceClient, pulses []*metering.Pulse,
) ([]*metering.PulseResult, error) {
	for pause := retryFirst; ; pause = min(2*pause, retryMax) {
		call, cancel := context.WithTimeout(ctx, callTimeout)
		response, err := client.Ingest(call, &metering.IngestRequest{Pulses: pulses})
		cancel()
		switch status.Code(err) {
		case codes.OK:
			return response.Results, nil
		case codes.InvalidArgument, codes.Unauthenticated, codes.PermissionDenied:
			// Nothing was taken, and the same again would come to the same.
			return nil, err
		}
		log.Printf("unknown: %v; sending the same again", err)
		time.Sleep(pause/2 + mathrand.N(pause/2))
	}
}

// newID makes a UUIDv7.
func newID() string {
	var id [16]byte
	rand.Read(id[:])
	now := time.Now().UnixMilli()
	for place := range 6 {
		id[place] = byte(now >> (40 - 8*place))
	}
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	text := hex.EncodeToString(id[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

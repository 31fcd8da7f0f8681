using ActorMlp.Benchmarks;

switch (args)
{
    case ["overhead", .. var rest]:
        await ActorOverhead.RunAsync(rest.Length > 0 ? int.Parse(rest[0], System.Globalization.CultureInfo.InvariantCulture) : 11).ConfigureAwait(false);
        return 0;
    case ["bulk", .. var rest]:
        await BulkPlane.RunAsync(rest.Length > 0 ? int.Parse(rest[0], System.Globalization.CultureInfo.InvariantCulture) : 11).ConfigureAwait(false);
        return 0;
    case ["checksums"]:
        BulkChecksums.Run();
        return 0;
    case ["bulk-peer"]:
        await BulkPlanePeer.RunAsync().ConfigureAwait(false);
        return 0;
    default:
        Console.Error.WriteLine("""
            usage: dotnet run -c Release --project tests/ActorMlp.Benchmarks -- BENCHMARK [ROUNDS]

              overhead   samples/s of actors over the plain loop, network 784-512-256-10, batch 128
              bulk       MB/s and CPU of the bulk plane over those of a bare socket loop, between two processes
              checksums  GB/s of checksums that bulk frames could carry
            """);
        return 2;
}

using ActorMlp.Benchmarks;

switch (args)
{
    case ["overhead", .. var rest]:
        await ActorOverhead.RunAsync(rest.Length > 0 ? int.Parse(rest[0], System.Globalization.CultureInfo.InvariantCulture) : 11).ConfigureAwait(false);
        return 0;
    case ["heartbeats", .. var rest]:
        await Heartbeats.RunAsync(rest.Length > 0 ? int.Parse(rest[0], System.Globalization.CultureInfo.InvariantCulture) : 120, rest is [_, "shared"]).ConfigureAwait(false);
        return 0;
    case ["heartbeats-node", var join, var seconds, var threads]:
        await Heartbeats.RunNodeAsync(join, int.Parse(seconds, System.Globalization.CultureInfo.InvariantCulture), threads == "shared").ConfigureAwait(false);
        return 0;
    default:
        Console.Error.WriteLine("""
            usage: dotnet run -c Release --project tests/ActorMlp.Benchmarks -- overhead [ROUNDS] | heartbeats [SECONDS [shared]]

              overhead    samples/s of actors over the plain loop, network 784-512-256-10, batch 128
              heartbeats  three nodes on this machine with all cores busy: do they keep each other? (shared: with the thread pool for all)
            """);
        return 2;
}

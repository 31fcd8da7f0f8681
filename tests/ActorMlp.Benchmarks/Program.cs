using ActorMlp.Benchmarks;

switch (args)
{
    case ["overhead", .. var rest]:
        await ActorOverhead.RunAsync(rest.Length > 0 ? int.Parse(rest[0], System.Globalization.CultureInfo.InvariantCulture) : 11).ConfigureAwait(false);
        return 0;
    case ["encodings"]:
        EncodingSpeed.Run();
        return 0;
    default:
        Console.Error.WriteLine("""
            usage: dotnet run -c Release --project tests/ActorMlp.Benchmarks -- overhead [ROUNDS] | encodings

              overhead    samples/s of actors over the plain loop, network 784-512-256-10, batch 128
              encodings   GB/s of gradient encodings, beside memcpy
            """);
        return 2;
}

using System.Diagnostics;
using ActorMlp.Benchmarks.Measuring;
using ActorMlp.Engine.Encodings;
using ActorMlp.Engine.Numerics;
using ActorMlp.Engine.Random;

namespace ActorMlp.Benchmarks.Encodings;

/// <summary>
/// Speed of encodings on one thread, in bytes of float32 gradient per second, beside that of a copy of the same floats: chunks of 64 KiB
/// that stay in the second-level cache, as they do between the sum of a gradient and the socket. What each loses is checked first.
/// </summary>
internal static class EncodingSpeed
{
    private const int Length = 16 * 1024;
    private const int Slices = 201;

    /// <summary>Few, so that most slices end before the system gives the core to another process.</summary>
    private const int CallsASlice = 20;
    private const int Warmup = 50;

    private static readonly EncodingSpec[] Specs =
    [
        new() { Kind = GradientEncodingKind.Float32 },
        new() { Kind = GradientEncodingKind.Bfloat16 },
        new() { Kind = GradientEncodingKind.Bfloat16, ErrorFeedback = true },
        new() { Kind = GradientEncodingKind.Float16 },
        new() { Kind = GradientEncodingKind.Float16, ErrorFeedback = true },
        new() { Kind = GradientEncodingKind.Int8, ErrorFeedback = false },
        new() { Kind = GradientEncodingKind.Int8 },
        new() { Kind = GradientEncodingKind.Int8, BlockSize = 16 },
        new() { Kind = GradientEncodingKind.Int8, BlockSize = 32 },
        new() { Kind = GradientEncodingKind.Int8, BlockSize = 128 },
        new() { Kind = GradientEncodingKind.Int8, BlockSize = 1024 },
        new() { Kind = GradientEncodingKind.TopK, ErrorFeedback = false },
        new() { Kind = GradientEncodingKind.TopK },
        new() { Kind = GradientEncodingKind.TopK, Ratio = 0.1 },
    ];

    public static void Run()
    {
        float[] gradient = Gradient(), copy = new float[Length];
        Console.WriteLine($"{KernelSelection.Name}, one thread, chunks of {Length} floats; medians of {Slices} slices beside memcpy");
        Console.WriteLine("encoding             feedback   bits/value   lost, %   encode, GB/s   of memcpy   decode, GB/s   of memcpy");
        foreach (EncodingSpec spec in Specs)
        {
            var encoding = GradientEncoding.Create(spec);
            byte[] encoded = new byte[encoding.EncodedLength(Length)];
            float[] residual = new float[spec.HasErrorFeedback ? Length : 0], decoded = new float[Length];
            encoding.Encode(gradient, residual, encoded);
            encoding.Decode(encoded, decoded);
            double lost = Lost(spec, gradient, decoded, residual);

            // Slices of both directions and of the copy take turns, so that a change of the machine's speed meets all alike.
            var speeds = new List<(double Encode, double Decode, double Copy)>();
            for (int slice = -Warmup; slice < Slices; slice++)
            {
                (double Encode, double Decode, double Copy) speed = (
                    Speed(() => encoding.Encode(gradient, residual, encoded)),
                    Speed(() => encoding.Decode(encoded, decoded)),
                    Speed(() => gradient.AsSpan().CopyTo(copy)));
                if (slice >= 0)
                {
                    speeds.Add(speed);
                }
            }

            double encode = Statistics.Median(speeds.Select(speed => speed.Encode)), decode = Statistics.Median(speeds.Select(speed => speed.Decode));
            double toCopy = Statistics.Median(speeds.Select(speed => speed.Encode / speed.Copy)), fromCopy = Statistics.Median(speeds.Select(speed => speed.Decode / speed.Copy));
            string name = spec.Kind switch
            {
                GradientEncodingKind.Int8 => $"Int8, blocks of {spec.BlockSize}",
                GradientEncodingKind.TopK => $"TopK, {100 * spec.Ratio:0.#} %",
                _ => spec.Kind.ToString(),
            };
            Console.WriteLine(
                $"{name,-20} {(spec.HasErrorFeedback ? "yes" : "no"),-10} {8.0 * encoded.Length / Length,10:0.00} {100 * lost,9:0.00} {encode,14:0.0} {100 * toCopy,9:0} % {decode,14:0.0} {100 * fromCopy,9:0} %");
        }
    }

    /// <summary>The Euclidean norm of what is not decoded, relative to the gradient's; with feedback it must be the residual's, bit for bit.</summary>
    private static double Lost(EncodingSpec spec, float[] gradient, float[] decoded, float[] residual)
    {
        double lost = 0, whole = 0;
        for (int i = 0; i < Length; i++)
        {
            float difference = gradient[i] - decoded[i];
            if (spec.HasErrorFeedback && difference != residual[i])
            {
                throw new InvalidOperationException($"{spec}: {difference:R} of value {i} is lost, {residual[i]:R} is owed");
            }

            lost += (double)difference * difference;
            whole += (double)gradient[i] * gradient[i];
        }

        return Math.Sqrt(lost / whole);
    }

    private static double Speed(Action work)
    {
        long began = Stopwatch.GetTimestamp();
        for (int call = 0; call < CallsASlice; call++)
        {
            work();
        }

        return (double)CallsASlice * Length * sizeof(float) / Stopwatch.GetElapsedTime(began).TotalSeconds / 1e9;
    }

    /// <summary>Sums of four uniform numbers to the third power: about as long-tailed as a gradient; one value in four is zero, as where inputs are.</summary>
    private static float[] Gradient()
    {
        var random = new CounterRandom(1, RandomPurpose.Shuffle);
        float[] gradient = new float[Length];
        for (uint i = 0; i < Length; i++)
        {
            double sum = Enumerable.Range(0, 4).Sum(draw => random.Uniform(0, i, (uint)draw) - 0.5);
            gradient[i] = random.Uniform(1, i, 0) < 0.25 ? 0 : (float)(0.01 * sum * sum * sum);
        }

        return gradient;
    }
}

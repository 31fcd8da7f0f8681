using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace ActorMlp.Training.Configuration;

/// <summary>The section <c>cluster</c> of a run file. Nothing here can change a bit of the result.</summary>
public sealed record ClusterOptions
{
    /// <summary>Number of worker actors.</summary>
    [Description("Number of worker actors that share each step. With a training.consistency.mode other than bsp it is a part of the run.")]
    [Range(1, 1024)]
    public int Workers { get; init; } = 4;

    /// <summary>Compute threads of the process; 0 for one per core.</summary>
    [Description("Compute threads of this process; 0 for one per core.")]
    [Range(0, 1024)]
    public int Threads { get; init; }

    /// <summary>How often a worker is restarted before the run gives up on it.</summary>
    [Description("How often one worker may fail and be restarted before it is given up.")]
    [Range(0, 1_000_000)]
    public int RestartLimit { get; init; } = 10;

    /// <summary>Servers that stand by for each parameter server.</summary>
    [Description("On a cluster of nodes: servers that stand by for each parameter server and go on at once if it is lost; 1 where there are two or more nodes, 0 for none.")]
    [Range(0, 1)]
    public int Standbys { get; init; } = 1;

    /// <summary>How many times as long as others a step may take until others compute its late shards too.</summary>
    [Description("On a cluster of nodes: when a step has taken so many times as long as steps do, and 0.3 s at least, the shards that it lacks are computed by the workers that are done, too; the first copy counts. 0 for never.")]
    [Range(0, 1000)]
    public double StragglerFactor { get; init; } = 3;

    /// <summary>Workers that a run on a cluster waits for.</summary>
    [Description("On a cluster of nodes: workers that must be there before the first step; each node is one.")]
    [Range(1, 1024)]
    public int MinimumWorkers { get; init; } = 1;

    /// <summary>File with the cluster's secret, for who submits the run.</summary>
    [Description("File with the cluster's secret, relative to the run file, for submit and train --processes; --secret-file and the other options of security go before it. Excludes cluster.tls.")]
    public string? SecretFile { get; init; }

    /// <summary>Certificates, for who submits the run.</summary>
    [Description("Certificates of the process that submits the run, and of the nodes of train --processes, where no option says otherwise.")]
    public TlsOptions Tls { get; init; } = new();
}

/// <summary>The section <c>cluster.tls</c>: files, relative to the run file.</summary>
public sealed record TlsOptions
{
    /// <summary>The certificate.</summary>
    [Description("The process's certificate, PEM or PKCS#12, as 'actormlp cluster certificates' makes it; for train --processes it must be for 127.0.0.1.")]
    public string? Certificate { get; init; }

    /// <summary>Its private key.</summary>
    [Description("The certificate's private key, PEM; not needed with PKCS#12.")]
    public string? CertificateKey { get; init; }

    /// <summary>The authority.</summary>
    [Description("The certificate of the cluster's authority, PEM (ca.pem).")]
    public string? Authority { get; init; }
}

